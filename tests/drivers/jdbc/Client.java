// SPDX-License-Identifier: Apache-2.0

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/**
 * A JDBC driver: the one in the class path that takes the URL scheme of the first argument. The
 * error is printed as an uncaught one is, without the stack; the second line is what pools and
 * frameworks log and decide on.
 */
public class Client {
    private static final Map<String, String> ENV = System.getenv();

    public static void main(String[] args) throws Exception {
        String url = args[0] + "//" + ENV.get("TIDBLINK_TEST_HOST") + ":"
            + ENV.get("TIDBLINK_TEST_PORT") + "/" + ENV.get("TIDBLINK_TEST_DATABASE");
        try (Connection conn = DriverManager.getConnection(
                 url, ENV.get("TIDBLINK_TEST_USER"), ENV.get("TIDBLINK_TEST_PASSWORD"))) {
            if (args[1].equals("print-error")) {
                System.out.println("connected");
            } else {
                select(conn, args[1].equals("result"));
            }
        } catch (SQLException error) {
            print(error);
            System.exit(1);
        }
    }

    private static void select(Connection conn, boolean onlyDigest) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        long size = 0;
        try (Statement statement = conn.createStatement()) {
            // Row by row: both drivers otherwise hold the whole result in memory.
            statement.setFetchSize(Integer.MIN_VALUE);
            ResultSet rows = statement.executeQuery(ENV.get("TIDBLINK_TEST_QUERY"));
            while (rows.next()) {
                byte[] line = (rows.getString(1) + "\n").getBytes(StandardCharsets.UTF_8);
                digest.update(line);
                size += line.length;
                if (!onlyDigest) {
                    System.out.write(line);
                }
            }
        }
        if (onlyDigest) {
            StringBuilder hex = new StringBuilder();
            for (byte b : digest.digest()) {
                hex.append(String.format("%02x", b));
            }
            System.out.println(hex + " " + size);
        }
        System.out.flush();
    }

    private static void print(SQLException error) {
        System.err.println(error);
        for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
            System.err.println("Caused by: " + cause);
        }
        System.err.println("SQL Error: " + error.getErrorCode() + ", SQLState: " + error.getSQLState());
    }
}
