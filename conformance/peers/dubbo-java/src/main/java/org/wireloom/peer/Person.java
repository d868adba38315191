package org.wireloom.peer;

import java.io.Serializable;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The POJO of {@link EchoService#person}: every kind of value that hessian2 writes differently. */
public class Person implements Serializable {
    private static final long serialVersionUID = 1L;

    private String name;
    private int age;
    private Mood mood;
    private Date born;
    private List<String> tags;
    private List<Address> addresses;
    private Map<String, Integer> scores;

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

    public Mood getMood() {
        return mood;
    }

    public void setMood(Mood mood) {
        this.mood = mood;
    }

    public Date getBorn() {
        return born;
    }

    public void setBorn(Date born) {
        this.born = born;
    }

    public List<String> getTags() {
        return tags;
    }

    public void setTags(List<String> tags) {
        this.tags = tags;
    }

    public List<Address> getAddresses() {
        return addresses;
    }

    public void setAddresses(List<Address> addresses) {
        this.addresses = addresses;
    }

    public Map<String, Integer> getScores() {
        return scores;
    }

    public void setScores(Map<String, Integer> scores) {
        this.scores = scores;
    }

    @Override
    public boolean equals(Object o) {
        if (!(o instanceof Person)) {
            return false;
        }
        Person p = (Person) o;
        return age == p.age
                && mood == p.mood
                && Objects.equals(name, p.name)
                && Objects.equals(born, p.born)
                && Objects.equals(tags, p.tags)
                && Objects.equals(addresses, p.addresses)
                && Objects.equals(scores, p.scores);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, age, mood, born, tags, addresses, scores);
    }

    @Override
    public String toString() {
        return name + ", " + age + ", " + mood + ", " + born + ", " + tags + ", " + addresses + ", " + scores;
    }
}
