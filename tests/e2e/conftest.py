# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end suites share: the real servers, and every log in the report of a failure."""
import pytest

import running
from aws_program import WarmAws, plain_aws
from certs import Authority
from doctor_scene import Scene
from emulator import Emulator
from laptop import Stack
from mariadb import MariaDB
from mysql_server import MySQL, why_missing
from setup_world import World

# The files that take longest begin first, so that no process ends long after the others.
LONGEST = ("test_setup", "test_doctor", "test_endpoint")

pytest_runtest_logstart = running.pytest_runtest_logstart
pytest_runtest_logfinish = running.pytest_runtest_logfinish
pytest_terminal_summary = running.pytest_terminal_summary


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.path.name.startswith(LONGEST))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the log of each fixture that has a log_text() to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for name, value in getattr(item, "funcargs", {}).items():
        if hasattr(value, "log_text"):
            report.sections.append((f"log of {name}", value.log_text()))


@pytest.fixture
def stack():
    """Whatever enters it is left when the test ends; the log of its `proxy` is in the report."""
    with Stack() as found:
        yield found


@pytest.fixture(scope="session")
def mariadb():
    with MariaDB() as server:
        yield server


@pytest.fixture(scope="session")
def mysql97():
    """MySQL 9.7, whose users have caching_sha2_password; without its root the test is skipped."""
    if why_missing():
        pytest.skip(why_missing())
    with MySQL() as server:
        yield server


@pytest.fixture
def cloud():
    """A fresh cloud with one cluster, "orders", whose endpoint is PENDING."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def calm_cloud():
    """The same, one for all tests that change nothing."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(cloud):
    """A client of the fresh cloud's control API."""
    with cloud.client() as client:
        yield client


@pytest.fixture(scope="session")
def warm_aws():
    """The real AWS CLI in a process that stays; without the CLI the test is skipped."""
    if plain_aws() != "/usr/bin/aws":
        pytest.skip("the package awscli is not installed")
    with WarmAws() as program:
        yield program


@pytest.fixture(scope="session")
def authority():
    return Authority()


@pytest.fixture
def scene(warm_aws, authority):
    """Where every hop of doctor is fine."""
    with Scene(warm_aws, authority) as scene:
        yield scene


@pytest.fixture
def scene_without_cli(authority):
    """The same on a machine without the AWS CLI."""
    with Scene(None, authority) as scene:
        yield scene


@pytest.fixture
def world(warm_aws):
    """Both clouds before the first step of a set-up."""
    with World(warm_aws) as world:
        yield world
