// SPDX-License-Identifier: Apache-2.0

// What Atlas's command does with the URL behind --url: it runs the file, and looks at the schema.
package main

import (
	"context"
	"log"
	"os"
	"strings"

	_ "ariga.io/atlas/sql/mysql"
	"ariga.io/atlas/sql/sqlclient"
	_ "github.com/go-sql-driver/mysql"
)

func main() {
	ctx := context.Background()
	client, err := sqlclient.Open(ctx, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	conn, err := client.DB.Conn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, statement := range strings.Split(strings.TrimSpace(string(text)), ";\n") {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := client.InspectSchema(ctx, "", nil); err != nil {
		log.Fatal(err)
	}
}
