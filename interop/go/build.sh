#!/bin/sh
# Builds `verify` in this folder. Go 1.19, as in Debian 12, is older than the libraries want, and does not fetch newer
# tools by itself yet; the module proxy has them, and their sum is checked like that of every module.
set -eu
version=1.22.12

case $(go env GOVERSION) in
go1.[0-9] | go1.[0-9].* | go1.1[0-9] | go1.1[0-9].* | go1.20 | go1.20.*)
    module="golang.org/toolchain@v0.0.1-go$version.$(go env GOOS)-$(go env GOARCH)"
    (cd / && go mod download "$module")
    rm -rf toolchain
    cp -r "$(go env GOMODCACHE)/$module" toolchain
    chmod -R u+w toolchain
    chmod +x toolchain/bin/* toolchain/pkg/tool/*/* # a module has no programs
    PATH=$PWD/toolchain/bin:$PATH
    ;;
esac
exec go build -mod=readonly -o verify .
