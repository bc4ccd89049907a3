package http1

// Fields are the fields of one message in the order in which they came.
type Fields struct {
	names, values []string
	// marks has a bit for each length and first letter that occurs, so that most look-ups for what is not there look at nothing.
	marks uint64
}

func mark(name string) uint64 {
	return 1 << ((uint(len(name))*7 + uint(lower[name[0]])) & 63)
}

func (f *Fields) reset() {
	f.names, f.values, f.marks = f.names[:0], f.values[:0], 0
}

func (f *Fields) add(name, value string) {
	f.names, f.values = append(f.names, name), append(f.values, value)
	f.marks |= mark(name)
}

// Len is the number of fields, dropped ones included.
func (f *Fields) Len() int { return len(f.names) }

// At gives a field. Of one that was dropped the name is "".
func (f *Fields) At(i int) (name, value string) { return f.names[i], f.values[i] }

// Drop takes a field out.
func (f *Fields) Drop(i int) { f.names[i] = "" }

// DropNamed takes every field of a name out.
func (f *Fields) DropNamed(name string) {
	for i := f.find(name, 0); i >= 0; i = f.find(name, i+1) {
		f.names[i] = ""
	}
}

// Has reports whether there is a field of the name.
func (f *Fields) Has(name string) bool { return f.find(name, 0) >= 0 }

// Values gives the values of all fields of a name, nil if there is none. It does not allocate unless a name stands twice.
func (f *Fields) Values(name string) []string {
	first := f.find(name, 0)
	if first < 0 {
		return nil
	}
	again := f.find(name, first+1)
	if again < 0 {
		return f.values[first : first+1 : first+1]
	}
	out := []string{f.values[first]}
	for i := again; i >= 0; i = f.find(name, i+1) {
		out = append(out, f.values[i])
	}
	return out
}

// find gives the place of the next field of a name, -1 if there is none.
func (f *Fields) find(name string, from int) int {
	if name == "" || f.marks&mark(name) == 0 {
		return -1
	}
	for i := from; i < len(f.names); i++ {
		if EqualFold(f.names[i], name) {
			return i
		}
	}
	return -1
}

// AppendTo writes the fields that are kept as they go on the wire.
func (f *Fields) AppendTo(dst []byte, keep func(name string) bool) []byte {
	for i, name := range f.names {
		if name != "" && keep(name) {
			dst = AppendField(dst, name, f.values[i])
		}
	}
	return dst
}

// AppendField writes one field.
func AppendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}
