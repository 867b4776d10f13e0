"""What the real clients print, told apart. Their texts: PyPI dcoscli 0.6.1, dcos 1.2.0, `dcos kafka`."""

import pytest

from cli.errors import (
    AlreadyThere,
    CommandMissing,
    DcosError,
    Locked,
    NoCluster,
    NotAllowed,
    NotLoggedIn,
    NotThere,
    NotUnderstood,
    Refused,
    Unreachable,
)
from cli.faults import kind_of

TEXTS = [
    (NotLoggedIn, "Your core.dcos_acs_token is invalid. Please run: `dcos auth login`"),
    (NotLoggedIn, "Authentication failed. Please run `dcos auth login`."),
    (
        NotLoggedIn,
        "Got 401 Unauthorized response from http://x\n- Bad auth token? Run 'dcos auth login' to log in.",
    ),
    (NotAllowed, "You are not authorized to perform this operation."),
    (NotAllowed, "HTTP GET Query for http://x/v1/topics failed: 403 Forbidden\nResponse: no"),
    (NotThere, "Error: App '/x' does not exist"),
    (NotThere, 'Error while fetching [http://x/y]: HTTP 404: "Not Found".'),
    (NotThere, "Package [kafka] not found"),
    (NotThere, "Version [0] of package [kafka] not found"),
    (Locked, "Changes blocked: deployment already in progress for app."),
    (Locked, "App is locked by one or more deployments. Override with the option '?force=true'."),
    (AlreadyThere, "Application '/x' already exists"),
    (AlreadyThere, "Package is already installed"),
    (Refused, 'Error while fetching [http://x]: HTTP 422: "{"message": "Object is not valid"}".'),
    (Refused, "Error on request [PUT http://x]: HTTP 400: Bad Request:\n{}"),
    (Unreachable, 'Error while fetching [http://x]: HTTP 502: "Bad Gateway".'),
    (Unreachable, "Error decoding response from [http://x]: HTTP 503: Service Unavailable"),
    (Unreachable, "URL [http://x:80/service/marathon/v2/apps] is unreachable."),
    (Unreachable, "Request to URL [http://x] timed out."),
    (Unreachable, "HTTP GET Query for http://x failed: [Errno 111] Connection refused"),
    (Unreachable, "Error: Get http://x: dial tcp 10.0.0.1:80: connect: connection refused"),
    (Unreachable, "Error: Get http://x: dial tcp: lookup nowhere: no such host"),
    (Unreachable, "Error: Get http://x: context deadline exceeded"),
    (
        Unreachable,
        "Could not reach the service scheduler with name 'kafka'.\nDid you provide the correct name?",
    ),
    (NotUnderstood, "Error: Response from Marathon was not in expected JSON format:\n<html>"),
    (NotUnderstood, "Error: invalid character '<' looking for beginning of value"),
    (NotUnderstood, "Service likely misconfigured. Please check your proxy or Service URL settings."),
    (NoCluster, "No cluster is attached. Please run `dcos cluster attach <cluster-name>`"),
    (
        NoCluster,
        'Missing required config parameter: "core.dcos_url".  Please run `dcos cluster setup <dcos_url>`',
    ),
    (CommandMissing, "'security' is not a dcos command."),
    (DcosError, "something that nobody has seen"),
]


@pytest.mark.parametrize(("kind", "said"), TEXTS)
def test_a_text_tells_what_happened(kind, said):
    assert kind_of(said) is kind


@pytest.mark.parametrize("kind", {kind for kind, _ in TEXTS} - {DcosError})
def test_every_kind_has_a_cause_and_a_next_step(kind):
    error = kind(["dcos", "x"], 1, "", "what it said")
    assert error.exit_code == 1
    assert kind.cause in error.message
    assert "what it said" in error.message
    assert error.hint


@pytest.mark.parametrize("app_id", ["/team-401/x", "/apps/403", "/a500b"])
def test_a_number_inside_a_name_is_no_status(app_id):
    assert kind_of(f"Error: App '{app_id}' does not exist") is NotThere


def test_details_of_a_refusal_are_told_key_by_key():
    said = (
        'Error while fetching [x]: HTTP 422: "{"message": "Object is not valid", "details": '
        '[{"path": "/cpus", "errors": ["too small"]}, {"path": "/mem", "errors": ["a", "b"]}]}".'
    )
    message = Refused(["dcos", "marathon", "app", "add"], 1, "", said).message
    assert message.endswith("`dcos marathon app add`: /cpus: too small; /mem: a, b")
