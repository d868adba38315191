package org.wireloom.peer;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A value with everything that a serialization has to keep: list, map, date, enum, nesting. */
public class Person implements Serializable {
    private static final long serialVersionUID = 1L;

    private String name;
    private int age;
    private Date born;
    private Colour favourite;
    private List<String> tags = new ArrayList<>();
    private Map<String, Integer> scores = new LinkedHashMap<>();
    private List<Person> friends = new ArrayList<>();

    public Person() {}

    public Person(String name, int age) {
        this.name = name;
        this.age = age;
    }

    /** A person that uses every field. */
    public static Person sample() {
        Person friend = new Person("Grün 🌲", 7);
        friend.favourite = Colour.GREEN;
        friend.born = new Date(0);
        Person p = new Person("Ada 李", 36);
        p.born = new Date(1_700_000_000_123L);
        p.favourite = Colour.BLUE;
        p.tags.addAll(List.of("one", "", "drei"));
        p.scores.put("chess", 1);
        p.scores.put("go", -70_000);
        p.friends.add(friend);
        return p;
    }

    public String getName() {
        return name;
    }

    public void setName(String name) {
        this.name = name;
    }

    public int getAge() {
        return age;
    }

    public void setAge(int age) {
        this.age = age;
    }

    public Date getBorn() {
        return born;
    }

    public void setBorn(Date born) {
        this.born = born;
    }

    public Colour getFavourite() {
        return favourite;
    }

    public void setFavourite(Colour favourite) {
        this.favourite = favourite;
    }

    public List<String> getTags() {
        return tags;
    }

    public void setTags(List<String> tags) {
        this.tags = tags;
    }

    public Map<String, Integer> getScores() {
        return scores;
    }

    public void setScores(Map<String, Integer> scores) {
        this.scores = scores;
    }

    public List<Person> getFriends() {
        return friends;
    }

    public void setFriends(List<Person> friends) {
        this.friends = friends;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Person p
                && age == p.age
                && Objects.equals(name, p.name)
                && Objects.equals(born, p.born)
                && favourite == p.favourite
                && Objects.equals(tags, p.tags)
                && Objects.equals(scores, p.scores)
                && Objects.equals(friends, p.friends);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, age);
    }

    @Override
    public String toString() {
        return "Person(" + name + ", " + age + ", " + born + ", " + favourite + ", " + tags + ", " + scores + ", "
                + friends + ")";
    }
}
