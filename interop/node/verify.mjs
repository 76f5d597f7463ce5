// Verifies access tokens of doorward with `jose`, as a Node service would. Questions come on standard input; see
// scripts/interop.py.
import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRemoteJWKSet, jwtVerify } from 'jose'

globalThis.crypto ??= webcrypto // Node 18, as in Debian 12, has it, but not under that name

const { issuer, audience, cases } = JSON.parse(readFileSync(0, 'utf8'))
const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
if (metadata.issuer !== issuer) throw new Error('the metadata is of another issuer')
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
const options = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256', 'EdDSA', 'RS256'], requiredClaims: ['exp', 'sub'] }

for (const { name, token } of cases) {
  try {
    await jwtVerify(token, keys, options)
    console.log(`accepted ${name}`)
  } catch (error) {
    if (error.code === undefined) throw error
    console.log(`refused ${name}`)
  }
}
