// SPDX-License-Identifier: Apache-2.0

// What the dbmate command does with DATABASE_URL, with MySQL's driver alone.
package main

import (
	"log"
	"net/url"
	"os"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/mysql"
)

func main() {
	address, err := url.Parse(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	db := dbmate.New(address)
	db.MigrationsDir = []string{"."}
	db.AutoDumpSchema = false
	if err := db.Migrate(); err != nil {
		log.Fatal(err)
	}
}
