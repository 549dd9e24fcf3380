"""The sandbox's front door: one WSGI application for every AWS service.

RDS and DMS calls are parsed and answered by moto's own parsers and serializers around our handlers;
every other service goes to moto untouched. All of them pass the fault switches and the call log.
"""

from __future__ import annotations

import io
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from xml.sax.saxutils import escape

from botocore import xform_name
from moto.core.loaders import create_loader
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import get_serializer_class
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from sandbox.api.call_log import CallLog
from sandbox.api.errors import AwsError, NotInSandbox
from sandbox.api.faults import Faults

SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
NAMES = {"monitoring": "cloudwatch"}
"""Services that sign by another name than that of their model."""

Handler = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]


class Service(Protocol):
    """An AWS service of ours: one method per action, named as boto3 names it, parameters in, result out.

    One that answers for a part only has a method ``owns`` (action, parameters); moto has the rest.
    """

    name: str


class Gateway:
    """WSGI application. ``services``: ours, by name; ``pages``: plain HTTP paths."""

    def __init__(
        self,
        services: Mapping[str, Service],
        *,
        log: CallLog,
        faults: Faults,
        region: str,
        pages: Mapping[str, Handler],
    ) -> None:
        self._services = services
        self._region = region
        self._log = log
        self._faults = faults
        self._pages = pages
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._told: dict[str, Response] = {}
        self._models: dict[str, ServiceModel] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path.startswith("/_sandbox/"):
            return self._page(request)(environ, start_response)
        scope = SCOPE.search(request.headers.get("Authorization", ""))
        service = NAMES.get(scope.group(2), scope.group(2)) if scope else ""
        request.get_data(cache=True)  # before a form is read from it: moto may need the body
        if service in self._services:
            region = scope.group(1) if scope else ""
            answer = self._answer(self._services[service], request, region)
            if answer is not None:
                return answer(environ, start_response)
        return self._pass_to_moto(service or "unsigned", request, environ, start_response)

    def model(self, service: str) -> ServiceModel:
        """Return botocore's model of ``service``, loaded once."""
        with self._lock:
            if service not in self._models:
                self._models[service] = ServiceModel(create_loader().load_service_model(service, "service-2"), service)
            return self._models[service]

    def _answer(self, service: Service, request: Request, region: str) -> Response | None:
        """Return the answer, None when it is moto's to give."""
        model = self.model(service.name)
        protocol = _protocol(service.name, request)
        action = _action(request)
        try:
            operation = model.operation_model(action)
        except Exception:
            self._log.record(service.name, action, {}, error="InvalidAction")
            return _refuse(protocol, AwsError("InvalidAction", f"Could not find operation {action}"))
        parameters = PROTOCOL_PARSERS[protocol](operation).parse(_raw(request))
        try:
            if not _owns(service, action, parameters):
                return None
        except AwsError as refusal:
            self._log.record(service.name, action, parameters, error=refusal.code)
            return _refuse(protocol, refusal)
        return self._do(service, operation, parameters, protocol, region)

    def _do(
        self, service: Service, operation: OperationModel, parameters: Mapping[str, Any], protocol: str, region: str
    ) -> Response:
        action = operation.name
        fault = self._faults.take(service.name, action)
        met = fault.name if fault else None
        try:
            if region != self._region:
                raise AwsError("SandboxWrongRegion", f"The sandbox is in {self._region}; the call was for {region}.")
            if fault and fault.before:
                raise fault.error()
            question = f"{action} {service.name} {parameters}"
            if fault and fault.stale and question in self._told:
                self._log.record(service.name, action, parameters, fault=met)
                return self._told[question]
            result = _call(service, action, parameters)
        except AwsError as refusal:
            self._log.record(service.name, action, parameters, error=refusal.code, fault=met)
            return _refuse(protocol, refusal)
        self._log.record(service.name, action, parameters, fault=met)
        if fault and not fault.stale:
            return _refuse(protocol, fault.error())
        answer = get_serializer_class(service.name, protocol)(operation).serialize(result)
        response = Response(answer["body"], status=answer["status_code"], headers=dict(answer["headers"]))
        if action.startswith("Describe"):
            self._told[question] = response
        return response

    def _pass_to_moto(
        self, service: str, request: Request, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        environ["wsgi.input"] = io.BytesIO(request.get_data(cache=True))  # moto reads the body again
        action = _action(request) or request.method.title()
        fault = self._faults.take(service, action)
        told = {"path": request.path}
        if fault and fault.before:
            self._log.record(service, action, told, error=fault.code, fault=fault.name)
            return _refuse(_protocol(service, request), fault.error())(environ, start_response)
        statuses: list[str] = []

        def remember(status: str, headers: Any, exc_info: Any = None) -> Any:
            statuses.append(status)
            if fault and not fault.stale:
                return lambda _: None
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        answer: Iterable[bytes] = self._moto(environ, remember)
        refused = statuses[0] if statuses and int(statuses[0].split()[0]) >= 400 else None
        self._log.record(service, action, told, error=refused, fault=fault.name if fault else None)
        if fault and not fault.stale:
            return _refuse(_protocol(service, request), fault.error())(environ, start_response)
        return answer

    def _page(self, request: Request) -> Response:
        handler = self._pages.get(request.path.removeprefix("/_sandbox/"))
        if handler is None:
            return Response("no such page", status=404)
        body = request.get_json(silent=True) or dict(request.args)
        try:
            answer = handler(body)
        except AwsError as refusal:
            return Response(
                json.dumps({"error": refusal.message}), status=refusal.status, content_type="application/json"
            )
        return Response(json.dumps(answer), content_type="application/json")


def _owns(service: Service, action: str, parameters: Mapping[str, Any]) -> bool:
    owns: Callable[[str, Mapping[str, Any]], bool] | None = getattr(service, "owns", None)
    return owns is None or owns(action, parameters)


def _call(service: Service, action: str, parameters: Mapping[str, Any]) -> Any:
    handler = getattr(service, xform_name(action), None)
    if handler is None:
        raise NotInSandbox(service.name, action)
    return handler(parameters) or {}


def _raw(request: Request) -> Any:
    body = request.get_data(as_text=True)
    return {
        "body": body,
        "headers": request.headers,
        "method": request.method,
        "url_params": {},
        "url_path": request.path,
        "values": request.values,
    }


def _action(request: Request) -> str:
    target = request.headers.get("X-Amz-Target", "")
    return target.rpartition(".")[2] or request.values.get("Action", "")


def _protocol(service: str, request: Request) -> str:
    if request.headers.get("X-Amz-Target"):
        return "json"
    return "rest-xml" if service == "s3" else "query"


def _refuse(protocol: str, refusal: AwsError) -> Response:
    if protocol == "json":
        body = json.dumps({"__type": refusal.code, "message": refusal.message})
        return Response(body, status=refusal.status, content_type="application/x-amz-json-1.1")
    said = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
    request_id = f"<RequestId>{uuid.uuid4()}</RequestId>"
    body = f"<ErrorResponse><Error><Type>Sender</Type>{said}</Error>{request_id}</ErrorResponse>"
    if protocol == "rest-xml":
        body = f"<Error>{said}{request_id}</Error>"
    return Response(body, status=refusal.status, content_type="text/xml")
