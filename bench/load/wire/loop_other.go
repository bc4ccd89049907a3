//go:build !linux

package wire

import "time"

// Loop is for Linux: elsewhere each connection has a goroutine.
type Loop struct{}

// looped is a connection of a Loop.
type looped struct{}

// NewLoop gives nil: there is none here.
func NewLoop() *Loop { return nil }

// Join does nothing here.
func (c *Client) Join(*Loop) {}

func (c *Client) fits(*Exchange) bool { return false }

func (l *Loop) send(*Client, *Exchange) {}

// Turn, Nap, Wake and Close are never called here.
func (l *Loop) Turn(time.Duration) {}

// Nap is never called here.
func (l *Loop) Nap(time.Duration) {}

// Wake is never called here.
func (l *Loop) Wake() {}

// Close is never called here.
func (l *Loop) Close() {}
