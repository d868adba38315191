package org.wireloom.peer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What one-way calls said. */
final class Notebook {
    private final Map<String, List<Integer>> notes = new HashMap<>();

    synchronized void note(String token, int number) {
        notes.computeIfAbsent(token, any -> new ArrayList<>()).add(number);
    }

    synchronized List<Integer> of(String token) {
        return new ArrayList<>(notes.getOrDefault(token, List.of()));
    }
}
