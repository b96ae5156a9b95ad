// SPDX-License-Identifier: Apache-2.0

// What Compose, Terraform, Kubernetes and docker run --env-file read in a file: the libraries that
// they read it with. readers WHAT FILE prints the values as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/cli/pkg/kvfile"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"sigs.k8s.io/yaml"
)

func fail(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func compose(path string) any {
	image := []byte("services: { app: { image: app } }") // of a file of the user's own
	files := []types.ConfigFile{{Filename: path}, {Filename: "image.yaml", Content: image}}
	details := types.ConfigDetails{WorkingDir: ".", ConfigFiles: files, Environment: types.Mapping{}}
	project, err := loader.LoadWithContext(context.Background(), details, func(options *loader.Options) {
		options.SetProjectName("readers", true)
	})
	fail(err)
	return project.Services["app"].Environment
}

func terraform(path string) any {
	file, wrong := hclparse.NewParser().ParseHCLFile(path)
	if wrong.HasErrors() {
		log.Fatal(wrong)
	}
	blocks := &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
		{Type: "locals"}, {Type: "variable", LabelNames: []string{"name"}}}}
	content, wrong := file.Body.Content(blocks)
	if wrong.HasErrors() {
		log.Fatal(wrong)
	}
	given := map[string]cty.Value{"db_password": cty.StringVal("given")}
	scope := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(given)}}
	attributes, wrong := content.Blocks.OfType("locals")[0].Body.JustAttributes()
	if wrong.HasErrors() {
		log.Fatal(wrong)
	}
	value, wrong := attributes["tidb"].Expr.Value(scope)
	if wrong.HasErrors() {
		log.Fatal(wrong)
	}
	return ctyjson.SimpleJSONValue{Value: value}
}

func kubernetes(path string) any {
	var secret struct {
		Kind       string            `json:"kind"`
		APIVersion string            `json:"apiVersion"`
		Type       string            `json:"type"`
		Metadata   map[string]any    `json:"metadata"`
		StringData map[string]string `json:"stringData"`
	}
	text, err := os.ReadFile(path)
	fail(err)
	fail(yaml.UnmarshalStrict(text, &secret))
	return secret.StringData
}

func dockerEnv(path string) any {
	lines, err := kvfile.Parse(path, os.LookupEnv)
	fail(err)
	return lines
}

func main() {
	readers := map[string]func(string) any{"compose": compose, "terraform": terraform,
		"kubernetes": kubernetes, "docker-env": dockerEnv}
	text, err := json.Marshal(readers[os.Args[1]](os.Args[2]))
	fail(err)
	fmt.Println(string(text))
}
