// SPDX-License-Identifier: Apache-2.0

import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.Properties;

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
        try (Connection conn = DriverManager.getConnection(url, properties(args[0]))) {
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

    private static Properties properties(String scheme) throws Exception {
        Properties set = new Properties();
        set.setProperty("user", ENV.get("TIDBLINK_TEST_USER"));
        set.setProperty("password", ENV.get("TIDBLINK_TEST_PASSWORD"));
        String tls = ENV.get("TIDBLINK_TEST_TLS");
        String ca = ENV.get("TIDBLINK_TEST_CA");
        if (!ENV.get("TIDBLINK_TEST_KEY").isEmpty()) {
            set.setProperty("allowPublicKeyRetrieval", "true");
        }
        if (scheme.contains("mariadb")) {
            setMariaDbTls(set, tls, ca);
            if (!ENV.get("TIDBLINK_TEST_SOCKET").isEmpty()) {
                set.setProperty("localSocket", ENV.get("TIDBLINK_TEST_SOCKET"));
            }
        } else {
            setMySqlTls(set, tls, ca);
        }
        return set;
    }

    private static void setMariaDbTls(Properties set, String tls, String ca) {
        if (tls.equals("off")) {
            set.setProperty("useSsl", "false");
        } else if (!tls.equals("default")) {
            set.setProperty("useSsl", "true");
            set.setProperty(tls.equals("on") ? "trustServerCertificate" : "serverSslCert",
                tls.equals("on") ? "true" : ca);
        }
    }

    private static void setMySqlTls(Properties set, String tls, String ca) throws Exception {
        if (tls.equals("off")) {
            set.setProperty("sslMode", "DISABLED");
        } else if (tls.equals("on")) {
            set.setProperty("sslMode", "REQUIRED");
        } else if (tls.equals("verify")) {
            set.setProperty("sslMode", "VERIFY_IDENTITY");
            set.setProperty("trustCertificateKeyStoreUrl", "file:" + keyStoreOf(ca));
            set.setProperty("trustCertificateKeyStoreType", "PKCS12");
            set.setProperty("trustCertificateKeyStorePassword", "changeit");
        }
    }

    /** MySQL's driver takes no PEM file, but Java's own kind of store. */
    private static File keyStoreOf(String ca) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream pem = new FileInputStream(ca)) {
            store.setCertificateEntry(
                "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        File file = File.createTempFile("tidblink-test", ".p12");
        file.deleteOnExit();
        try (OutputStream out = new FileOutputStream(file)) {
            store.store(out, "changeit".toCharArray());
        }
        return file;
    }

    private static void select(Connection conn, boolean onlyDigest) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        long size = 0;
        try (Statement statement = conn.createStatement()) {
            // Row by row: both drivers otherwise hold the whole result in memory.
            statement.setFetchSize(Integer.MIN_VALUE);
            statement.execute(ENV.get("TIDBLINK_TEST_QUERY")); // executeQuery takes no others than SQL's
            ResultSet rows = statement.getResultSet();
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
