package org.wireloom.peer;

import java.io.Serializable;
import java.util.Objects;

/** A POJO nested in another one's list: a second class definition in the same body. */
public class Address implements Serializable {
    private static final long serialVersionUID = 1L;

    private String street;
    private int number;

    public Address() {}

    public Address(String street, int number) {
        this.street = street;
        this.number = number;
    }

    public String getStreet() {
        return street;
    }

    public void setStreet(String street) {
        this.street = street;
    }

    public int getNumber() {
        return number;
    }

    public void setNumber(int number) {
        this.number = number;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Address && Objects.equals(street, ((Address) o).street) && number == ((Address) o).number;
    }

    @Override
    public int hashCode() {
        return Objects.hash(street, number);
    }

    @Override
    public String toString() {
        return street + " " + number;
    }
}
