//! HTTP/2 connections of both sides.
