import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from sandbox.demo.stage import DAG_ID
from tests.e2e.conftest import ARTIFACTS, failures, finish

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

RUN_PAGE = re.compile(rf"/dags/{DAG_ID}/runs/([^/?]+)")


def open_form(page, running):
    page.goto(f"{running.airflow.url}/dags/{DAG_ID}")
    page.get_by_role("button", name="Trigger").first.click()
    return page.get_by_role("dialog")


def open_section(form, name):
    form.get_by_role("button", name=name, exact=True).click()


def test_a_dry_run_from_the_form_changes_nothing_and_says_so(running, page):
    before = max((call.number for call in running.sandbox.log), default=0)
    form = open_form(page, running)
    open_section(form, "Safety")
    page.locator('[id="switch:element_safety_dry_run"]').click()
    expect(form.get_by_role("checkbox", name="Dry run")).to_be_checked()
    page.screenshot(path=ARTIFACTS / "form.png")
    form.get_by_role("button", name="Trigger", exact=True).click()
    page.wait_for_url(RUN_PAGE)
    run_id = unquote(RUN_PAGE.search(page.url).group(1))
    run = finish(running, run_id)

    assert run.state == "success", failures(run)
    page.reload()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    expect(page.get_by_text("Running", exact=True).filter(visible=True)).to_have_count(0)
    conf = running.airflow.call("GET", f"dags/{DAG_ID}/dagRuns/{run_id}")["conf"]
    assert conf["safety_dry_run"] is True
    assert [call.action for call in running.sandbox.log.since(before) if call.mutating] == []
    assert {"success"} == run.seen["plan"] & {"success", "failed"}
    assert "success" not in run.seen["set_parameters"]


def test_a_bad_name_is_refused_in_the_form_with_the_rule(running, page):
    form = open_form(page, running)
    open_section(form, "Migration")
    form.locator("[name=element_name]").fill("Shop!")
    form.get_by_role("button", name="Trigger", exact=True).click()

    expect(form.get_by_text("Invalid input for param name: 'Shop!'")).to_be_visible()
    assert not RUN_PAGE.search(page.url)


def test_every_section_of_the_spec_is_in_the_form(running, page):
    form = open_form(page, running)

    ends = ("Migration", "AWS", "Source", "DMS role", "Target", "Data lake", "Tables")
    for section in (*ends, "Replication", "Premigration assessment", "Safety", "Timeouts"):
        expect(form.get_by_role("button", name=section, exact=True)).to_be_visible()
