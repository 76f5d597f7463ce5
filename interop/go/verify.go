// Verifies access tokens of doorward with golang-jwt and a JWKS client, as a Go service would. Questions come on
// standard input; see scripts/interop.py.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

type questions struct {
	Issuer    string `json:"issuer"`
	Audience  string `json:"audience"`
	Authority string `json:"authority"`
	Cases     []struct {
		Name  string `json:"name"`
		Token string `json:"token"`
	} `json:"cases"`
}

func main() {
	var asked questions
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	client := trusting(asked.Authority)
	var metadata struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	answer, err := client.Get(asked.Issuer + "/.well-known/oauth-authorization-server")
	must(err)
	must(json.NewDecoder(answer.Body).Decode(&metadata))
	if metadata.Issuer != asked.Issuer {
		log.Fatal("the metadata is of another issuer")
	}
	storage, err := jwkset.NewStorageFromHTTP(metadata.Keys, jwkset.HTTPClientStorageOptions{
		Client: client, Ctx: context.Background(), NoErrorReturnFirstHTTPReq: false,
	})
	must(err)
	keys, err := keyfunc.New(keyfunc.Options{Storage: storage})
	must(err)
	parser := jwt.NewParser(
		jwt.WithIssuer(asked.Issuer), jwt.WithAudience(asked.Audience), jwt.WithExpirationRequired(),
		jwt.WithValidMethods([]string{"ES256", "EdDSA", "RS256"}), jwt.WithStrictDecoding(),
	)
	for _, each := range asked.Cases {
		token, err := parser.Parse(each.Token, keys.Keyfunc)
		if err == nil && token.Header["typ"] == "at+jwt" { // RFC 9068 section 4; the library leaves it to us
			fmt.Println("accepted", each.Name)
		} else {
			fmt.Println("refused", each.Name)
		}
	}
}

func trusting(authority string) *http.Client {
	pem, err := os.ReadFile(authority)
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
