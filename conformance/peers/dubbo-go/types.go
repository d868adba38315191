package main

import (
	"time"

	hessian "github.com/apache/dubbo-go-hessian2"
	"github.com/apache/dubbo-go-hessian2/java_exception"
)

const serviceInterface = "org.wireloom.peer.EchoService"

// Mood is a Java enum.
type Mood hessian.JavaEnum

const (
	moodCalm Mood = iota
	moodCurious
	moodGrumpy
)

var moodNames = map[Mood]string{moodCalm: "CALM", moodCurious: "CURIOUS", moodGrumpy: "GRUMPY"}

func (m Mood) JavaClassName() string { return "org.wireloom.peer.Mood" }

func (m Mood) String() string { return moodNames[m] }

// EnumValue is how the decoder finds the constant of a name.
func (m Mood) EnumValue(name string) hessian.JavaEnum {
	for value, known := range moodNames {
		if known == name {
			return hessian.JavaEnum(value)
		}
	}
	return hessian.InvalidJavaEnum
}

// Address is nested in Person's list.
type Address struct {
	Street string `hessian:"street"`
	Number int32  `hessian:"number"`
}

func (*Address) JavaClassName() string { return "org.wireloom.peer.Address" }

// Person is the POJO of the method of that name.
type Person struct {
	Name      string           `hessian:"name"`
	Age       int32            `hessian:"age"`
	Mood      Mood             `hessian:"mood"`
	Born      time.Time        `hessian:"born"`
	Tags      []string         `hessian:"tags"`
	Addresses []*Address       `hessian:"addresses"`
	Scores    map[string]int32 `hessian:"scores"`
}

func (*Person) JavaClassName() string { return "org.wireloom.peer.Person" }

// EchoFailure is the declared exception: the fields of java.lang.Throwable and one of its own.
type EchoFailure struct {
	SerialVersionUID     int64
	DetailMessage        string
	StackTrace           []java_exception.StackTraceElement
	SuppressedExceptions []java_exception.Throwabler
	Cause                java_exception.Throwabler
	Reason               string `hessian:"reason"`
}

func (e EchoFailure) Error() string { return e.DetailMessage }

func (EchoFailure) JavaClassName() string { return "org.wireloom.peer.EchoFailure" }

func (e EchoFailure) GetStackTrace() []java_exception.StackTraceElement { return e.StackTrace }

func registerTypes() {
	hessian.RegisterJavaEnum(moodCalm)
	hessian.RegisterPOJO(&Address{})
	hessian.RegisterPOJO(&Person{})
	hessian.RegisterPOJO(&EchoFailure{})
}
