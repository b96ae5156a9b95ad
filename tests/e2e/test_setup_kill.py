# SPDX-License-Identifier: Apache-2.0
"""tidblink setup --apply is killed (SIGKILL) at any of its requests to either cloud, and run again:
that always ends with exactly one endpoint, one connection and one rule, and with private DNS on.

A fault of the emulator stops the program for certain at the n-th request, in two ways: "lose": it
is done and its answer never comes; "hang": it is not done, so that the answer before it was the
last thing that the program has seen. The short form has the requests that change something, those
behind them, and a few others; TIDBLINK_LONG=1 (scripts/test long) has all."""
import concurrent.futures
import os
import signal

import pytest

from scenes import LONG
from setup_world import CHANGES, NOTE, SECOND, SUBNET, World

THREADS = len(os.sched_getaffinity(0))
EDGES = 2  # of the other requests, at the beginning and at the end
LAG_SECONDS = 1.5


def subject(request):
    """How faults name a request: by the beginning of this."""
    service = request.get("service")
    if service == "ec2":
        return f"aws {request['action']}"
    if service:
        return f"{service} {request['path']}"
    return f"{request['method']} {request['path']}"


def changes_something(request):
    return bool(CHANGES.match(request.get("action", ""))) or \
        ("service" not in request and request["method"] != "GET")


class Point:
    """Where a run is killed: at requests[index], in one of the two ways. It is counted from the
    last change before it, because how often something is polled is not the same in every run."""

    def __init__(self, requests, index, does):
        self.number, self.does = requests[index]["number"], does
        self.match = subject(requests[index])
        begin = max((at + 1 for at in range(index) if changes_something(requests[at])), default=0)
        self.after = subject(requests[begin - 1]) if begin else ""
        since = requests[begin:index]
        self.polls = any(subject(earlier) == self.match for earlier in since)
        self.skip = sum(subject(earlier).startswith(self.match) for earlier in since
                        if does == "hang" or earlier["status"] == 200)  # "lose": good answers only

    def __repr__(self):
        return f"{self.number} {self.does} {self.match} ({self.skip} after {self.after or 'none'})"


def record(warm_aws):
    """The requests of a whole run."""
    with World(warm_aws) as world:
        done = world.run("setup", "--apply")
        assert done.code == 0, done
        world.check_ready()
        return world.requests()


def points(requests, is_wanted):
    """Both ways at every request that is wanted; an answer that is no 200 is not lost."""
    return [Point(requests, index, does) for index, request in enumerate(requests)
            for does in ("hang", "lose")
            if is_wanted(index, does) and (does == "hang" or request["status"] == 200)]


def stop(world, process):
    """Kills it once the fault has struck. False: it ended before that."""
    world.wait(lambda: process.poll() is not None or not world.cloud.get("faults"),
               "it neither ends nor asks")
    if world.cloud.get("faults"):
        return False
    world.kill(process)
    return True


def kill_and_go_on(warm_aws, point, lag=0):
    """An error text, "" if all is well; and whether the fault struck."""
    with World(warm_aws) as world:
        try:
            world.cloud.settings(listingLagSeconds=lag)
            world.cloud.fault(point.does, match=point.match, after=point.after, skip=point.skip,
                              count=1)
            process = world.start("setup", "--apply")
            struck = stop(world, process)
            world.cloud.clear_faults()
            done = world.run("setup", "--apply")
            assert done.code == 0, done
            world.check_ready()
            assert world.configured_id(), world.config.read_text()
            made = [e for e in world.cloud.get("vpcEndpoints")]
            assert len(made) == 1, made
        except AssertionError as error:
            return f"{point}: {error}\n{world.log_text()}", True
    return "", struck


def kill_at_all(warm_aws, wanted, lag=0):
    """Each in a world of its own, some at a time."""
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda point: kill_and_go_on(warm_aws, point, lag), wanted))
    errors = [error for error, _ in found if error]
    missed = [point for point, (_, struck) in zip(wanted, found) if not struck]
    if LONG:
        for point, (error, struck) in zip(wanted, found):
            print(f"{point}: {'bad' if error else 'fine' if struck else 'not reached'}")
    print(f"{len(wanted)} kill points, {len(errors)} bad, {len(missed)} not reached: {missed}")
    assert not errors, f"{len(errors)} of {len(wanted)} are bad:\n\n" + "\n\n".join(errors[:5])
    assert not [point for point in missed if not point.polls], missed  # all others always come


def test_killed_at_any_request(warm_aws):
    requests = record(warm_aws)
    changing = [index for index, request in enumerate(requests) if changes_something(request)]
    assert len(changing) == 5, requests
    behind = {index + 1 for index in changing}
    edges = {*range(EDGES), *range(len(requests) - EDGES, len(requests))}

    def is_wanted(index, does):
        return LONG or index in changing or (does == "hang" and index in behind | edges)
    kill_at_all(warm_aws, points(requests, is_wanted))


def test_killed_around_the_creation_while_listings_lag(warm_aws):
    """Between the creation and the moment in which it is listed, only the note knows of it."""
    requests = record(warm_aws)
    (creation,) = [index for index, request in enumerate(requests)
                   if request.get("action") == "CreateVpcEndpoint"]
    width = 6 if LONG else 1
    around = range(creation - width + 1, creation + width + 1)
    kill_at_all(warm_aws, points(requests, lambda index, _: index in around), LAG_SECONDS)


def test_killed_again_and_again(warm_aws):
    """Each run gets one change further, or not at all."""
    with World(warm_aws) as world:
        for does in "lose", "hang", "lose":
            for match in ("aws ModifyVpcAttribute", "aws CreateVpcEndpoint",
                          "aws AuthorizeSecurityGroupIngress", "POST /v1beta1",
                          "aws ModifyVpcEndpoint"):
                world.cloud.fault(does, match=match, count=1)
                process = world.start("setup", "--apply")
                world.wait(lambda: not world.cloud.get("faults") or process.poll() is not None,
                           "it neither ends nor asks")
                process.kill()
                world.finish(process)
                world.cloud.clear_faults()
        assert world.run("setup", "--apply").code == 0
        world.check_ready()


@pytest.mark.parametrize("order", ["before", "after"])
def test_creation_that_arrives_after_its_setup_was_killed(warm_aws, order):
    """A CLI behind a wrapper script outlives the program; its request comes before or after that of
    the next run, and is the same one to EC2."""
    with World(warm_aws) as world:
        script = world.dir / "aws-is-slow"
        script.write_text('#!/bin/sh\ncase "$*" in *create-vpc-endpoint*)\ntrap "" TERM\n'
                          'echo $$ >pid\nwhile [ ! -e go ]; do sleep 0.05; done\n'
                          '(sleep 0.1; rm pid) & ;; esac\nexec aws "$@"\n')
        script.chmod(0o755)
        world.options["aws-cli"] = script
        world.write_config()
        process = world.start("setup", "--apply")
        world.wait((world.dir / "pid").exists, "the CLI was not started")
        world.kill(process)
        world.options["aws-cli"] = "aws"
        world.write_config()
        if order == "before":
            (world.dir / "go").touch()
            world.wait_change("CreateVpcEndpoint")
        else:
            second = world.start("setup", "--apply")
            world.wait_change("AuthorizeSecurityGroupIngress")
            (world.dir / "go").touch()
            world.wait_change("CreateVpcEndpoint", 2)
            assert world.finish(second).code == 0
        assert world.run("setup", "--apply").code == 0
        world.check_ready()
        assert len(world.cloud.get("vpcEndpoints")) == 1


def test_note_is_on_disk_before_the_request(warm_aws):
    with World(warm_aws) as world:
        world.cloud.fault("hang", match="aws CreateVpcEndpoint", count=1)
        process = world.start("setup", "--apply")
        world.wait_struck()
        note = (world.state_dir / NOTE).read_text()
        world.kill(process, signal.SIGKILL)
        assert (world.state_dir / NOTE).read_text() == note
        assert world.run("setup", "--apply", "--subnet-ids", SUBNET).code == 0
        assert world.check_ready()["clientToken"] in note
        assert world.check_ready()["subnets"] != [SECOND]
