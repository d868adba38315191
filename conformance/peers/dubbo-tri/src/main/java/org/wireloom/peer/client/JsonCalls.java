package org.wireloom.peer.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.wireloom.peer.EchoService;

/** The service without stubs called with JSON by an ordinary HTTP client: no gRPC framing, no trailers. */
final class JsonCalls {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final String base;

    JsonCalls(String target) {
        this.base = "http://" + target + "/";
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("json-http1", () -> calls(HttpClient.Version.HTTP_1_1)));
        // The client's only way to HTTP/2 without TLS is Upgrade: h2c.
        scenarios.add(new Scenario("json-upgrade", () -> calls(HttpClient.Version.HTTP_2)));
        scenarios.add(new Scenario("json-errors", this::errors));
    }

    private String calls(HttpClient.Version version) throws Exception {
        HttpClient client = client(version);
        if (version == HttpClient.Version.HTTP_2) {
            upgrade(client);
        }
        String text = "caf\u00e9 \ud83d\ude80";
        HttpResponse<String> echo = post(client, EchoService.class, "echo", "[\"" + text + "\"]");
        Expect.equal("200 \"" + text + "\"", show(echo), "echo");
        Expect.equal("200 42", show(post(client, EchoService.class, "add", "[40, 2]")), "add");
        String large = Samples.text(Samples.MIB);
        Expect.that(("\"" + large + "\"").equals(post(client, EchoService.class, "echo", "[\"" + large + "\"]").body()),
                "a string of 1 Mi units came back changed");
        String blue = show(post(client, EchoService.class, "whoami", "[]",
                "tri-service-group", "blue", "tri-service-version", "2.0.0"));
        Expect.equal("200 \"blue/2.0.0\"", blue, "whoami of group blue");
        Expect.equal("200 \"default/1.0.0\"", show(post(client, EchoService.class, "whoami", "[]")), "whoami of no group");
        Expect.equal(version, echo.version(), "the version of the reply");
        Expect.equal("application/json", echo.headers().firstValue("content-type").orElse(null), "content-type");
        return "";
    }

    /**
     * Makes a connection of HTTP/2 by a request without a body. A client upgrades with one that has a body too, and a
     * proxy may leave that alone and answer in HTTP/1.1 (RFC 9110, 7.8).
     */
    private void upgrade(HttpClient client) throws Exception {
        HttpRequest get = HttpRequest.newBuilder(URI.create(base + EchoService.class.getName() + "/whoami"))
                .timeout(TIMEOUT)
                .build();
        HttpResponse<Void> response = client.send(get, HttpResponse.BodyHandlers.discarding());
        Expect.equal(HttpClient.Version.HTTP_2, response.version(), "the version of the reply to the upgrade");
    }

    private String errors() throws Exception {
        HttpClient client = client(HttpClient.Version.HTTP_1_1);
        HttpResponse<String> missing = post(client, EchoService.class, "missing", "[]");
        Expect.equal(404, missing.statusCode(), "status of a method that does not exist");
        HttpResponse<String> failed = post(client, EchoService.class, "blowUp", "[\"blown up\"]");
        Expect.equal(500, failed.statusCode(), "status of a method that throws");
        Expect.that(failed.body().contains("blown up"), "the body lacks the exception's text: " + failed.body());
        return show(failed);
    }

    private static String show(HttpResponse<String> response) {
        return response.statusCode() + " " + response.body();
    }

    private static HttpClient client(HttpClient.Version version) {
        return HttpClient.newBuilder().version(version).connectTimeout(TIMEOUT).build();
    }

    private HttpResponse<String> post(HttpClient client, Class<?> service, String method, String body, String... headers)
            throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + service.getName() + "/" + method))
                .timeout(TIMEOUT)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }
}
