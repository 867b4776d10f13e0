"""Classification of the errors that real clients print: PyPI dcoscli 0.6.1, dcos 1.2.0, `dcos kafka`."""

import pytest

from cli import errors
from cli.engine.dcos import faults
from cli.engine.dcos.faults import _PATTERNS, fault, kind_of

TEXTS = [
    (errors.NotLoggedIn, "Your core.dcos_acs_token is invalid. Please run: `dcos auth login`"),
    (errors.NotLoggedIn, "Authentication failed. Please run `dcos auth login`."),
    (
        errors.NotLoggedIn,
        "Got 401 Unauthorized response from http://x\n- Bad auth token? Run 'dcos auth login' to log in.",
    ),
    (errors.NotAllowed, "You are not authorized to perform this operation."),
    (errors.NotAllowed, "HTTP GET Query for http://x/v1/topics failed: 403 Forbidden\nResponse: no"),
    (errors.NotFound, "Error: App '/x' does not exist"),
    (errors.NotFound, 'Error while fetching [http://x/y]: HTTP 404: "Not Found".'),
    (errors.NotFound, "Package [kafka] not found"),
    (errors.NotFound, "Version [0] of package [kafka] not found"),
    (errors.Conflict, "Changes blocked: deployment already in progress for app."),
    (errors.Conflict, "App is locked by one or more deployments. Override with the option '?force=true'."),
    (errors.AlreadyExists, "Application '/x' already exists"),
    (errors.AlreadyExists, "Package is already installed"),
    (errors.Invalid, 'Error while fetching [http://x]: HTTP 422: "{"message": "Object is not valid"}".'),
    (errors.Invalid, "Error on request [PUT http://x]: HTTP 400: Bad Request:\n{}"),
    (errors.Unreachable, 'Error while fetching [http://x]: HTTP 502: "Bad Gateway".'),
    (errors.Unreachable, "Error decoding response from [http://x]: HTTP 503: Service Unavailable"),
    (errors.Unreachable, "URL [http://x:80/service/marathon/v2/apps] is unreachable."),
    (errors.Unreachable, "Request to URL [http://x] timed out."),
    (errors.Unreachable, "HTTP GET Query for http://x failed: [Errno 111] Connection refused"),
    (errors.Unreachable, "Error: Get http://x: dial tcp 10.0.0.1:80: connect: connection refused"),
    (errors.Unreachable, "Error: Get http://x: dial tcp: lookup nowhere: no such host"),
    (errors.Unreachable, "Error: Get http://x: context deadline exceeded"),
    (
        errors.Unreachable,
        "Could not reach the service scheduler with name 'kafka'.\nDid you provide the correct name?",
    ),
    (faults.UnexpectedResponse, "Error: Response from Marathon was not in expected JSON format:\n<html>"),
    (faults.UnexpectedResponse, "Error: invalid character '<' looking for beginning of value"),
    (
        faults.UnexpectedResponse,
        "Service likely misconfigured. Please check your proxy or Service URL settings.",
    ),
    (faults.NoCluster, "No cluster is attached. Please run `dcos cluster attach <cluster-name>`"),
    (
        faults.NoCluster,
        'Missing required config parameter: "core.dcos_url".  Please run `dcos cluster setup <dcos_url>`',
    ),
    (faults.CommandMissing, "'security' is not a dcos command."),
    (faults.CommandMissing, "Error: unknown flag: --name"),
    (errors.EngineError, "something that nobody has seen"),
]


@pytest.mark.parametrize(("kind", "said"), TEXTS)
def test_a_text_explains_what_happened(kind, said):
    assert kind_of(said) is kind


KINDS = list(dict.fromkeys(kind for kind, _ in _PATTERNS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_explained_by_a_text_here(kind):
    assert kind in {kind for kind, _ in TEXTS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_cause_and_a_next_step(kind):
    error = fault(kind, ["dcos", "x"], 1, "", "what it said")
    assert error.exit_code == 1
    assert kind.cause in error.message
    assert "what it said" in error.message
    assert error.hint


@pytest.mark.parametrize("app_id", ["/team-401/x", "/apps/403", "/a500b"])
def test_a_number_inside_a_name_is_no_status(app_id):
    assert kind_of(f"Error: App '{app_id}' does not exist") is errors.NotFound


def test_details_of_a_refusal_are_listed_key_by_key():
    said = (
        'Error while fetching [x]: HTTP 422: "{"message": "Object is not valid", "details": '
        '[{"path": "/cpus", "errors": ["too small"]}, {"path": "/mem", "errors": ["a", "b"]}]}".'
    )
    message = fault(errors.Invalid, ["dcos", "marathon", "app", "add"], 1, "", said).message
    assert message.endswith("`dcos marathon app add`: /cpus: too small; /mem: a, b")
