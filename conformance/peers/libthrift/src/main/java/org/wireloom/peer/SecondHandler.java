package org.wireloom.peer;

import org.wireloom.thrift.Missing;
import org.wireloom.thrift.Second;

/** Serves Second, where services have names. */
record SecondHandler(Notebook notebook) implements Second.Iface {
    @Override
    public String whoami() {
        return "second";
    }

    @Override
    public String greet(String name) throws Missing {
        if (name.isEmpty()) {
            throw new Missing("nobody");
        }
        return "hello " + name;
    }

    @Override
    public void note(String token, int number) {
        notebook.note(token, number);
    }
}
