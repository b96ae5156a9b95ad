// SPDX-License-Identifier: Apache-2.0

// Go's go-sql-driver/mysql. The error is printed as log.Fatal prints it, without the time.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"github.com/go-sql-driver/mysql"
)

func verifying() *tls.Config {
	pem, err := os.ReadFile(os.Getenv("TIDBLINK_TEST_CA"))
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots, ServerName: os.Getenv("TIDBLINK_TEST_HOST")}
}

func open() *sql.DB {
	config := mysql.NewConfig()
	config.Net = "tcp"
	config.Addr = net.JoinHostPort(os.Getenv("TIDBLINK_TEST_HOST"), os.Getenv("TIDBLINK_TEST_PORT"))
	if socket := os.Getenv("TIDBLINK_TEST_SOCKET"); socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	switch os.Getenv("TIDBLINK_TEST_TLS") {
	case "off":
		config.TLSConfig = "false"
	case "on":
		config.TLSConfig = "skip-verify"
	case "verify":
		config.TLS = verifying()
	}
	config.User = os.Getenv("TIDBLINK_TEST_USER")
	config.Passwd = os.Getenv("TIDBLINK_TEST_PASSWORD")
	config.DBName = os.Getenv("TIDBLINK_TEST_DATABASE")
	connector, err := mysql.NewConnector(config)
	if err != nil {
		log.Fatal(err)
	}
	return sql.OpenDB(connector)
}

// selectInto writes the first column of every row, a line each, and returns how much that was.
func selectInto(db *sql.DB, out io.Writer) int {
	rows, err := db.Query(os.Getenv("TIDBLINK_TEST_QUERY"))
	if err != nil {
		log.Fatal(err)
	}
	size := 0
	var value sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&value); err != nil {
			log.Fatal(err)
		}
		n, _ := fmt.Fprintf(out, "%s\n", value)
		size += n
	}
	if err := rows.Err(); err != nil {
		log.Fatal(err)
	}
	return size
}

func main() {
	log.SetFlags(0)
	db := open()
	switch os.Args[1] {
	case "print-error":
		if err := db.Ping(); err != nil {
			log.Fatal(err)
		}
		fmt.Println("connected")
	case "connect-and-select":
		selectInto(db, os.Stdout)
	case "result":
		digest := sha256.New()
		size := selectInto(db, digest)
		fmt.Printf("%x %d\n", digest.Sum(nil), size)
	}
}
