# SPDX-License-Identifier: Apache-2.0
"""How the file of each carrier, and of each client that is configured by a file, is read by the
program that reads it in real life: READERS[client](text, folder) is a dictionary of what it found,
or raises Missing."""
import configparser
import ctypes
import importlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tomllib
import urllib.parse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from programs import OUT, missing, run_command, setup, write


class Missing(Exception):
    """The program that would read it is not here."""


def needs(reason):
    if reason:
        raise Missing(reason)


def lower(values):
    """DB_USERNAME and db.user to user, and so on; what is no such name stays."""
    names = {"username": "user", "db": "database"}
    found = {}
    for name, value in values.items():
        short = name.lower().removeprefix("db_").removeprefix("db.")
        found[names.get(short, short)] = str(value)
    return found


def by_shell(text, folder):
    code, out, errors = run_command(["sh", "-ec", text + "\nenv -0"], folder,
                                    {"LC_ALL": "C.UTF-8"})
    assert code == 0, errors
    pairs = (pair.split("=", 1) for pair in out.split("\0") if pair)
    return lower({name: value for name, value in pairs if name.startswith("DB_")})


def by_json(text, folder):
    return lower(json.loads(text))


def by_ecs(text, folder):
    task = json.loads("{" + text + "}")
    assert task["secrets"][0]["valueFrom"].startswith("arn:")
    return lower({entry["name"]: entry["value"] for entry in task["environment"]})


def by_toml(text, folder):
    return lower(tomllib.loads(text))


def module(name):
    """Of the lock file, in this process."""
    needs(setup("python"))
    if str(OUT / "python") not in sys.path:
        sys.path.append(str(OUT / "python"))
    return importlib.import_module(name)


def yaml(text):
    return module("yaml").safe_load(text)


def by_yaml(text, folder):
    return lower(yaml(text))


def by_go(what):
    """The library that the program itself reads it with, in readers.go."""
    def read(text, folder):
        needs(missing("go") or setup("goreaders"))
        path = write(folder, f"{what}.tf" if what == "terraform" else what, text)
        code, out, errors = run_command([OUT / "goreaders/readers", what, path], folder)
        assert code == 0, errors
        found = json.loads(out)
        pairs = (line.split("=", 1) for line in found) if what == "docker-env" else found.items()
        return lower({name: value for name, value in pairs})
    return read


def by_systemd(text, folder):
    """systemd's own reader of EnvironmentFile, out of its library."""
    found = sorted(Path("/usr/lib").glob("*/systemd/libsystemd-shared-*.so"))
    needs(None if found else "no libsystemd-shared (systemd)")
    values = ctypes.POINTER(ctypes.c_char_p)()
    path = write(folder, "environment", text)
    code = ctypes.CDLL(str(found[0])).load_env_file(None, bytes(path), ctypes.byref(values))
    assert code == 0, os.strerror(-code)
    pairs = (pair.decode().split("=", 1) for pair in itertools.takewhile(bool, values))
    return lower(dict(pairs))


def by_rails(text, folder):
    return lower(yaml(text)["production"])


def by_dbt(text, folder):
    found = yaml(text)["tidb"]["outputs"]["dev"]
    return lower({**found, "host": found["server"], "database": found["schema"]})


def by_spring_yaml(text, folder):
    found = yaml(text)["spring"]["datasource"]
    return lower({"user": found["username"], "password": found["password"]})


def by_dotenv(expand):
    def read(text, folder):
        needs(setup("node"))
        (folder / ".env").write_text(text + "\nNEXT='\"`x'\n", encoding="utf-8")
        script = ("const parsed = require('dotenv').parse(require('fs').readFileSync(process.argv[1]));"
                  "const out = process.argv[2] ? require('dotenv-expand').expand({ parsed,"
                  " processEnv: {} }).parsed : parsed; console.log(JSON.stringify(out))")
        done = subprocess.run(["node", "-e", script, folder / ".env", expand], check=True, text=True,
                              stdout=subprocess.PIPE, cwd=OUT / "node", timeout=60)
        return lower(json.loads(done.stdout.rstrip("\n").split("\n")[-1]))
    return read


def by_directus(text, folder):
    """Its own reader, which casts what it reads."""
    needs(setup("node"))
    write(folder, ".env", text)
    script = write(folder, "read.mjs", "import { useEnv } from '@directus/env';\n"
                   "const env = useEnv();\n"
                   "console.log(JSON.stringify(Object.fromEntries("
                   "Object.entries(env).filter(([name]) => name.startsWith('DB_')))));")
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(OUT / "node/node_modules")
    code, out, errors = run_command(["node", script], folder, {"CONFIG_PATH": ".env"})
    assert code == 0, errors
    return {name: value for name, value in lower(json.loads(out)).items()}


def by_python_dotenv(text, folder):
    (folder / ".env").write_text(text + "\nNEXT='x'\n", encoding="utf-8")
    return lower(module("dotenv").dotenv_values(folder / ".env"))


PHP_DOTENV = """<?php
require '/usr/share/php/Dotenv/autoload.php';
echo json_encode(Dotenv\\Dotenv::createArrayBacked(__DIR__)->load());
"""


def by_php_dotenv(text, folder):
    needs(missing("php"))
    (folder / ".env").write_text(text + "\nNEXT='\"x'\n", encoding="utf-8")
    code, out, errors = run_command(["php", write(folder, "read.php", PHP_DOTENV)], folder)
    assert code == 0, out + errors
    return lower(json.loads(out))


def by_django_url(text, folder):
    found = module("dj_database_url").parse(text.removeprefix("DATABASE_URL="))
    return lower({"host": found["HOST"], "port": found["PORT"], "user": found["USER"],
                  "password": found["PASSWORD"], "database": found["NAME"]})


def by_alembic(text, folder):
    parser = configparser.ConfigParser()
    parser.read_string("[alembic]\n" + text)
    url = urllib.parse.urlsplit(parser.get("alembic", "sqlalchemy.url"))
    return {"user": urllib.parse.unquote(url.username), "host": url.hostname, "port": str(url.port),
            "password": urllib.parse.unquote(url.password),
            "database": urllib.parse.unquote(url.path[1:])}


def by_xml(text, folder):
    """Hibernate trims what stands between tags."""
    names = {element.get("name").split(".")[-1]: element.get("value") or element.text.strip(" ")
             for element in ElementTree.fromstring(f"<x>{text}</x>").iter("property")}
    return lower({"user": names["username"], "password": names["password"]})


def by_option_file(text, folder):
    """MariaDB's own reader of option files; bytes, because it knows no encodings."""
    program = shutil.which("mariadb") or needs("no mariadb in PATH")
    path = folder / "my.cnf"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    done = subprocess.run([program, f"--defaults-file={path}", "--print-defaults"], check=True,
                          stdout=subprocess.PIPE, timeout=60)
    line = done.stdout.decode().split("\n", 1)[1].removesuffix("\n").removesuffix(" ")
    found = {}
    for part in line.split(" --"):
        name, _, value = part.partition("=")
        found[name.strip().lstrip("-")] = value
    return {name: found[name] for name in ("host", "port", "user", "password", "database")}


JAVA = """
import java.io.*;
import java.util.*;

public class Main {
    public static void main(String[] args) throws Exception {
        Properties found = new Properties();
        found.load(new FileInputStream(args[0]));
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        for (String name : found.stringPropertyNames())
            out.print(name + "=" + found.getProperty(name) + "\\0");
    }
}
"""


def by_properties(text, folder):
    needs(None if shutil.which("javac") else "no javac in PATH")
    if not (folder / "Main.class").exists():
        (folder / "Main.java").write_text(JAVA)
        code, out, errors = run_command(["javac", "Main.java"], folder)
        assert code == 0, errors
    (folder / "x.properties").write_text(text + "\n", encoding="utf-8")
    code, out, errors = run_command(
        ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "Main", "x.properties"], folder)
    assert code == 0, errors
    found = dict(pair.split("=", 1) for pair in out.split("\0") if pair)
    return lower({name.split(".")[-1] if name.count(".") > 1 or "." not in name else name: value
                  for name, value in found.items()})


READERS = {
    "shell": by_shell,
    "json": by_json,
    "ecs": by_ecs,
    "toml": by_toml,
    "yaml": by_yaml,
    "kubernetes": by_go("kubernetes"),
    "compose": by_go("compose"),
    "terraform": by_go("terraform"),
    "docker-env": by_go("docker-env"),
    "systemd": by_systemd,
    "rails": by_rails,
    "dbt": by_dbt,
    "spring-boot-yaml": by_spring_yaml,
    "dotenv": by_dotenv(""),
    "dotenv-expand": by_dotenv("yes"),
    "dotenv-php": by_php_dotenv,
    "directus": by_directus,
    "dotenv-python": by_python_dotenv,
    "alembic": by_alembic,
    "django-url": by_django_url,
    "hibernate": by_xml,
    "mybatis": by_xml,
    "my-cnf": by_option_file,
    "spring-boot": by_properties,
    "properties": by_properties,
}
# Where that reader is all there is to the client: the others read the file, then do more with it.
WHOLE = ("shell", "json", "toml", "yaml", "dotenv", "dotenv-expand", "dotenv-php", "dotenv-python",
         "my-cnf", "properties", "django-url", "kubernetes", "compose", "terraform", "docker-env",
         "systemd")
