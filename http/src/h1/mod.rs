//! HTTP/1.1 connections of both sides.
