// Verifies access tokens of doorward with Nimbus JOSE+JWT, as a Java service would. Questions come on standard input;
// see scripts/interop.py.

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.Ed25519Verifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKMatcher;
import com.nimbusds.jose.jwk.JWKSelector;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.DefaultResourceRetriever;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import java.io.FileInputStream;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.text.ParseException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public final class Verify {
    public static void main(String[] arguments) throws Exception {
        String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
        Map<String, Object> asked = JSONObjectUtils.parse(input);
        String issuer = JSONObjectUtils.getString(asked, "issuer");
        String audience = JSONObjectUtils.getString(asked, "audience");
        DefaultResourceRetriever retriever = new DefaultResourceRetriever(
            5000, 5000, 65536, true, trusting(JSONObjectUtils.getString(asked, "authority")).getSocketFactory());
        URL address = URI.create(issuer + "/.well-known/oauth-authorization-server").toURL();
        Map<String, Object> metadata = JSONObjectUtils.parse(retriever.retrieveResource(address).getContent());
        if (!issuer.equals(JSONObjectUtils.getString(metadata, "issuer"))) {
            throw new IllegalStateException("the metadata is of another issuer");
        }
        JWKSource<SecurityContext> keys = JWKSourceBuilder
            .create(URI.create(JSONObjectUtils.getString(metadata, "jwks_uri")).toURL(), retriever).build();
        DefaultJWTClaimsVerifier<SecurityContext> claims = new DefaultJWTClaimsVerifier<>(
            audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("exp", "sub", "iat", "jti"));
        claims.setMaxClockSkew(0);
        for (Map<String, Object> each : JSONObjectUtils.getJSONObjectArray(asked, "cases")) {
            boolean good = accepts(JSONObjectUtils.getString(each, "token"), keys, claims);
            System.out.println((good ? "accepted " : "refused ") + JSONObjectUtils.getString(each, "name"));
        }
        System.exit(0);
    }

    private static boolean accepts(
        String token, JWKSource<SecurityContext> keys, DefaultJWTClaimsVerifier<SecurityContext> claims) {
        try {
            SignedJWT signed = SignedJWT.parse(token);
            if (signed.getHeader().getType() == null || !"at+jwt".equals(signed.getHeader().getType().toString())) {
                return false;
            }
            JWKMatcher matcher = JWKMatcher.forJWSHeader(signed.getHeader());
            List<JWK> found = matcher == null ? List.of() : keys.get(new JWKSelector(matcher), null);
            if (found.size() != 1 || !signed.getHeader().getAlgorithm().equals(found.get(0).getAlgorithm())) {
                return false;
            }
            if (!signed.verify(verifierOf(found.get(0)))) {
                return false;
            }
            claims.verify(signed.getJWTClaimsSet(), null);
            return true;
        } catch (ParseException | JOSEException | BadJOSEException | IllegalArgumentException refused) {
            return false;
        }
    }

    private static JWSVerifier verifierOf(JWK key) throws JOSEException {
        return switch (key.getKeyType().getValue()) {
            case "EC" -> new ECDSAVerifier(key.toECKey());
            case "RSA" -> new RSASSAVerifier(key.toRSAKey());
            case "OKP" -> new Ed25519Verifier(key.toOctetKeyPair());
            default -> throw new JOSEException("a key of another type");
        };
    }

    private static SSLContext trusting(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream pem = new FileInputStream(authority)) {
            store.setCertificateEntry("a", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
