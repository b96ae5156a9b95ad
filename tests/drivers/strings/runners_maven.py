# SPDX-License-Identifier: Apache-2.0
"""The JVM's pools, ORMs, frameworks and programs, from Maven's central repository: all that
jvm/pom.xml names is in the class path."""
from typing import NamedTuple

from programs import JAVA, MIGRATION, OUT, java_command, missing, run_command, setup, write

JARS = OUT / "jvm"
HIBERNATE = ('<!DOCTYPE hibernate-configuration PUBLIC "-//Hibernate/Hibernate Configuration DTD 3.0'
             '//EN" "http://www.hibernate.org/dtd/hibernate-configuration-3.0.dtd">\n'
             "<hibernate-configuration><session-factory>\n",
             "\n</session-factory></hibernate-configuration>")
MYBATIS = ('<!DOCTYPE configuration PUBLIC "-//mybatis.org//DTD Config 3.0//EN"'
           ' "http://mybatis.org/dtd/mybatis-3-config.dtd">\n'
           '<configuration><environments default="tidb"><environment id="tidb">\n'
           '<transactionManager type="JDBC"/>\n',
           "\n</environment></environments></configuration>")
FLYWAY = """
import org.flywaydb.core.Flyway;

public class Main {
    public static void main(String[] args) {
        Flyway.configure().envVars().locations("filesystem:.").load().migrate();
    }
}
"""


def class_path():
    return ":".join(str(jar) for jar in sorted(JARS.glob("*.jar")))


class Java(NamedTuple):
    """`file`: where the string stands, `around`: in what, for a program that does not hold it."""
    file: str = ""
    around: tuple = ("", "")

    def why_not(self):
        return missing("java", "javac", "mvn") or setup("jvm")

    def write_string(self, string, folder):
        if self.file:
            write(folder, self.file, string.join(self.around))

    def run(self, program, folder, env=None):
        return run_command(java_command(program, folder, class_path()), folder, env)


class Kotlin(Java):
    def run(self, program, folder, env=None):
        path = write(folder, "Main.kt", program)
        compiler = "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler"
        code, out, errors = run_command(
            [*JAVA, class_path(), compiler, "-nowarn", "-no-stdlib", "-no-reflect", "-d", folder,
             "-cp", class_path(), path], folder)
        if code:
            return code, out, errors
        return run_command([*JAVA, f"{folder}:{class_path()}", "MainKt"], folder, env)


class Flyway(Java):
    """It is asked to migrate; its own command line is not in the repository."""
    migrates = True

    def run(self, string, folder, env=None):
        write(folder, "V1__proof.sql", MIGRATION)
        program = java_command(FLYWAY, folder, class_path())
        return run_command(["sh", "-ec", string + '\nexec "$@"', "sh", *program], folder, env)


class Liquibase(Java):
    migrates = True

    def run(self, string, folder, env=None):
        self.write_string(string, folder)
        write(folder, "proof.sql", MIGRATION)
        return run_command(
            [*JAVA, class_path(), "liquibase.integration.commandline.LiquibaseCommandLine",
             f"--defaults-file={self.file}", "execute-sql", "--sql-file=proof.sql"], folder, env)


RUNNERS = {
    "jdbc-aws": Java(),
    "hikari": Java(),
    "jooq": Java(),
    "exposed": Kotlin(),
    "r2dbc": Java(),
    "spring-boot": Java("application.properties"),
    "spring-boot-yaml": Java("application.yaml"),
    "hibernate": Java("hibernate.cfg.xml", HIBERNATE),
    "mybatis": Java("mybatis-config.xml", MYBATIS),
    "flyway": Flyway(),
    "liquibase": Liquibase("liquibase.properties"),
}
OVER_ANOTHER = tuple(RUNNERS)
SLOW_TO_REFUSE = ("exposed",)  # Kotlin's compiler takes ten times what the program takes
# None of them has unix sockets.
REFUSED = {(client, "socket", None) for client in RUNNERS}
