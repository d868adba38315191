package org.wireloom.peer.client;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.dubbo.rpc.service.GenericService;
import org.wireloom.peer.EchoFailure;

/** Calls without the interface's classes: {@code $invoke}, and a POJO as a map. */
final class GenericCalls {
    private final References references;

    GenericCalls(References references) {
        this.references = references;
    }

    void addTo(List<Scenario> scenarios) {
        scenarios.add(new Scenario("generic", this::values));
        scenarios.add(new Scenario("generic-pojo", this::pojo));
        scenarios.add(new Scenario("generic-exception", this::exception));
    }

    private String values() {
        GenericService service = references.generic();
        Object echoed = service.$invoke("echo", new String[] {"java.lang.String"}, new Object[] {"generic"});
        Expect.equal("generic", echoed, "echo");
        Expect.equal(5, service.$invoke("add", new String[] {"int", "int"}, new Object[] {2, 3}), "add");
        Expect.equal(null, service.$invoke("nothing", new String[0], new Object[0]), "nothing");
        return "";
    }

    private String pojo() {
        Map<String, Object> home = new HashMap<>();
        home.put("street", "Ockham Park");
        home.put("number", 3);
        Map<String, Object> person = new HashMap<>();
        person.put("class", "org.wireloom.peer.Person");
        person.put("name", "Grace");
        person.put("age", 85);
        person.put("mood", "CALM");
        person.put("born", new Date(1_000_000L));
        person.put("tags", new ArrayList<>(Arrays.asList("navy", "compiler")));
        person.put("addresses", new ArrayList<>(Arrays.asList(home)));
        person.put("scores", new HashMap<>(Map.of("bugs", 1)));

        Map<?, ?> answer = (Map<?, ?>) references
                .generic()
                .$invoke("person", new String[] {"org.wireloom.peer.Person"}, new Object[] {person});
        Expect.equal("Grace", answer.get("name"), "name");
        Expect.equal(86, answer.get("age"), "age");
        Expect.equal("CALM", String.valueOf(answer.get("mood")), "mood");
        Expect.equal(new Date(1_000_000L), answer.get("born"), "born");
        Expect.equal(Arrays.asList("navy", "compiler"), answer.get("tags"), "tags");
        Expect.equal(Map.of("bugs", 1), answer.get("scores"), "scores");
        Map<?, ?> address = (Map<?, ?>) ((List<?>) answer.get("addresses")).get(0);
        Expect.equal("Ockham Park", address.get("street"), "street");
        return "";
    }

    private String exception() throws ReflectiveOperationException {
        RuntimeException e = Expect.thrown(RuntimeException.class, () -> references
                .generic()
                .$invoke("fail", new String[] {"java.lang.String"}, new Object[] {"generic failure"}));
        // The provider sends its older package's class of the same name, which in 2.7 is no subclass.
        Expect.equal("GenericException", e.getClass().getSimpleName(), "class");
        Object exceptionClass = e.getClass().getMethod("getExceptionClass").invoke(e);
        Object exceptionMessage = e.getClass().getMethod("getExceptionMessage").invoke(e);
        Expect.equal(EchoFailure.class.getName(), exceptionClass, "exception class");
        Expect.equal("generic failure", exceptionMessage, "exception message");
        return "";
    }
}
