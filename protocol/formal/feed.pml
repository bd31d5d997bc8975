/*
 * One feed between its publisher and one reader: accept, apply, gap, head, epoch, incarnation.
 *
 * What is modelled is SPEC.md's chapter on feeds as protocol/ortoo_protocol/station runs it
 * (feed_writer, feed_pump, feed_reader, recovery, apply). Each atomic block is one commit of the
 * party that takes it; between two blocks either party may stop for ever and start again, which
 * changes nothing, because whatever is not in these variables was not committed.
 *
 * Time is left out: what the parties do after waiting (ask again, tell the head) they do here when
 * nothing is under way. So a state in which nobody can go on, and the reader has not what the
 * publisher has, is a reader that is stuck for ever.
 *
 *   -DEVENTS   a feed of events: each is applied exactly once, in order
 *   -DTABLE    a feed of a table: snapshots, retention, and a publisher restored from a backup
 *
 * By hand:  spin -DEVENTS -a feed.pml && gcc -O2 -DSAFETY -DCOLLAPSE -o pan pan.c && ./pan -E -m300000
 *
 * BREAK_… takes one rule out; each is caught (tests/formal). REACH shows that the end is reached.
 */

#ifndef CHANGES
#define CHANGES 3      /* what the department does: 1, 2, 3 … */
#endif
#ifndef FAULTS
#define FAULTS 2       /* how often something goes wrong, of whatever kind */
#endif
#ifndef ROAD
#define ROAD 3         /* messages that the broker holds at once */
#endif

#ifdef TABLE
#define INCARNATIONS 2
#else
#define INCARNATIONS 1
#endif
#define NUMBERS (CHANGES + 1)                  /* items of one incarnation: 1 … CHANGES */
#define PLACE(i, s) (((i) - 1) * NUMBERS + (s))
#define PLACES (INCARNATIONS * NUMBERS)
#define EPOCHS 3                               /* the first, one change, one after a restore */

mtype = { item, head, part, resync, askitems, asksnap, reading, joining, disputed };

/* value: what an item says, standing for its bytes and so for its hash as well */
chan road = [ROAD] of { mtype, byte, byte, byte, byte };   /* what, incarnation, number, value, epoch or part */
chan back = [1] of { mtype, byte, byte };                  /* what, incarnation, first number */

byte faults = FAULTS;
byte truth;                   /* the department's last change */

/* --- publisher: its store --- */
byte p_inc = 1, p_seq, p_epoch = 1, p_shadow;
byte p_val[PLACES], p_ep[PLACES];
byte p_sent;                  /* handed to the broker up to here */
byte p_erased;                /* bodies up to here are erased */
bool p_rekeyed;
byte p_given;                 /* epochs whose key lies in the outbox, as bits */
bool backed_up, restored;     /* a backup holds what follows */
bool looked = true;           /* since it was restored, it has read the department's table */
byte b_seq, b_shadow, b_sent, b_erased;

/* --- reader: its store --- */
mtype r_state = reading;
byte r_inc = 1, r_seq, r_hash, r_head;
byte r_val[PLACES], r_ep[PLACES];     /* items that it accepted */
byte k_val[PLACES], k_ep[PLACES];     /* parked */
byte r_keys;                          /* epochs whose key it has, as bits */
byte s_inc, s_seq, s_val, s_parts;    /* a snapshot as its parts come; parts as bits */
bool s_whole;

/* --- the sink: the department's own database --- */
byte c_inc = 1, c_seq, sink;
byte counted[CHANGES + 1];              /* how often each event was applied */
#ifdef BREAK_CURSOR
byte in_hand;                         /* rows written, cursor not yet */
#endif

#define HAS(set, n) ((set) & (1 << (n)))
#define QUIET (empty(road) && empty(back))
#define MORE (truth < CHANGES || p_shadow < truth || p_sent < p_seq)
#define BEHIND (r_inc != p_inc || r_seq < p_seq)
#define NEWER(i, s) ((i) > c_inc || ((i) == c_inc && (s) > c_seq))
#define DONE (truth == CHANGES && sink == CHANGES && r_state == reading)

/* ---- the department changes something; the publisher makes an item of it -------------------- */

active proctype Department() {
	do
	:: atomic { truth < CHANGES -> truth++ }
	:: truth == CHANGES -> break
	od
}

inline append() {                      /* feed_writer.publish: number, chain, epoch in one commit */
	p_seq++;
	p_shadow++;
#ifdef TABLE
	p_shadow = truth;                  /* of a table only the last state counts */
#endif
	p_val[PLACE(p_inc, p_seq)] = p_shadow;
	p_ep[PLACE(p_inc, p_seq)] = p_epoch
}

active proctype Publisher() {
	byte s;
	atomic { p_given = 1 << 1 };
	do
	:: atomic { looked && p_shadow < truth && p_seq < CHANGES -> append() }
#ifdef BREAK_COMMIT
	/* sent before it is committed, and then the process dies: its number is given to another */
	:: atomic { p_shadow + 1 < truth && faults > 0 && nfull(road) && p_sent == p_seq ->
		faults--;
		road!item(p_inc, p_seq + 1, p_shadow + 2, p_epoch)
	}
#endif
	/* the pump hands over, and dies or not before it wrote that down */
	:: atomic { p_sent < p_seq && nfull(road) ->
		s = p_sent + 1;
		if
		:: p_val[PLACE(p_inc, s)] != 0 && s > p_erased ->
			road!item(p_inc, s, p_val[PLACE(p_inc, s)], p_ep[PLACE(p_inc, s)])
		:: else
		fi;
		if
		:: p_sent = s
		:: faults > 0 -> faults--
		fi;
		s = 0
	}
	/* another reader is removed: a fresh key, which lies in the outbox from now on */
	:: atomic { !p_rekeyed && p_seq < CHANGES -> p_rekeyed = true; p_epoch++; p_given = p_given | (1 << p_epoch) }
	/* a head, every so often */
#ifndef BREAK_HEAD
	:: atomic { QUIET && (p_seq > 0 || p_inc > 1) && BEHIND && r_state == reading && !(r_inc == p_inc && r_head == p_seq) ->
		road!head(p_inc, p_seq, p_val[PLACE(p_inc, p_seq)], 0)
	}
#endif
	/* an ask, answered by the bytes that were sent, or by the table as it is */
	:: atomic { nfull(road) && back?[askitems, _, _] ->
		byte i;
		back?askitems(i, s);
		if
		:: i == p_inc && s <= p_seq && s > p_erased -> road!item(p_inc, s, p_val[PLACE(p_inc, s)], p_ep[PLACE(p_inc, s)])
		:: i == p_inc && s <= p_erased -> road!resync(p_inc, 0, 0, 0)
		:: else -> skip
		fi;
		i = 0; s = 0
	}
#ifdef TABLE
	:: atomic { len(road) + 2 <= ROAD && back?[asksnap, _, _] && looked ->
		back?asksnap(_, _);
		road!part(p_inc, p_seq, p_shadow, 0);
		road!part(p_inc, p_seq, p_shadow, 1)
	}
	/* after a restore the table is read once before anybody is told what stands in it: what the
	   backup holds of it is older than what readers may have */
	:: atomic { !looked -> looked = true; p_shadow = truth }
	/* retention */
	:: atomic { p_erased < p_sent && faults > 0 -> faults--; p_erased = p_sent }
	/* a backup is made once; later the disk is lost and the backup put in its place */
	:: atomic { !backed_up && !restored && p_seq > 0 ->
		backed_up = true; b_seq = p_seq; b_shadow = p_shadow; b_sent = p_sent; b_erased = p_erased
	}
	:: atomic { backed_up && !restored && faults > 0 ->
		faults--;
		restored = true; backed_up = false;
		p_epoch++; p_given = p_given | (1 << p_epoch);
#ifdef BREAK_INCARNATION
		s = b_seq + 1;
		do
		:: s <= p_seq -> p_val[PLACE(p_inc, s)] = 0; s++
		:: else -> break
		od;
		p_seq = b_seq; p_shadow = b_shadow; p_sent = b_sent; p_erased = b_erased;
#else
		p_inc++; p_seq = 0; p_sent = 0; p_erased = 0; p_shadow = b_shadow;
#ifndef BREAK_LOOK
		looked = false;
#endif
#endif
		b_seq = 0; b_shadow = 0; b_sent = 0; b_erased = 0; s = 0
	}
#endif
	od
}

/* ---- what the broker and the line do --------------------------------------------------------- */

active proctype Trouble() {
	mtype t; byte i, s, v, e;
	do
	:: atomic { faults > 0 && nempty(road) -> faults--; road?t, i, s, v, e;      /* lost */
		t = 0; i = 0; s = 0; v = 0; e = 0 }
	:: atomic { faults > 0 && nempty(road) && nfull(road) -> faults--;           /* twice */
		road?<t, i, s, v, e>; road!t, i, s, v, e;
		t = 0; i = 0; s = 0; v = 0; e = 0 }
	:: atomic { faults > 0 && len(road) > 1 -> faults--;                         /* out of order */
		road?t, i, s, v, e; road!t, i, s, v, e;
		t = 0; i = 0; s = 0; v = 0; e = 0 }
	:: atomic { faults > 0 && nempty(road) -> faults--;                          /* emptied */
		do
		:: nempty(road) -> road?t, i, s, v, e
		:: empty(road) -> break
		od;
		t = 0; i = 0; s = 0; v = 0; e = 0 }
	:: atomic { faults > 0 && nempty(back) -> faults--; back?t, i, s; t = 0; i = 0; s = 0 }
	od
}

/* ---- the reader accepts ---------------------------------------------------------------------- */

inline take(i, s, v, e) {
	r_val[PLACE(i, s)] = v; r_ep[PLACE(i, s)] = e;
	r_hash = v; r_inc = i; r_seq = s     /* last: the parameters may be made of it */
}

/* Parked items that now follow. */
inline follow() {
	do
	:: r_seq < CHANGES && k_val[PLACE(r_inc, r_seq + 1)] != 0 ->
		take(r_inc, r_seq + 1, k_val[PLACE(r_inc, r_seq + 1)], k_ep[PLACE(r_inc, r_seq + 1)]);
		k_val[PLACE(r_inc, r_seq)] = 0; k_ep[PLACE(r_inc, r_seq)] = 0
	:: else -> break
	od
}

inline park(i, s, v, e) {
	if
	:: k_val[PLACE(i, s)] == 0 -> k_val[PLACE(i, s)] = v; k_ep[PLACE(i, s)] = e
	:: else
	fi
}

/* The watermark is `i`, `s` from now on: what is parked below it is of no use. */
inline drain(i, s) {
	n = 0;
	do
	:: n < PLACES ->
		if
		:: n <= PLACE(i, s) -> k_val[n] = 0; k_ep[n] = 0
		:: else
		fi;
		n++
	:: else -> break
	od;
	n = 0
}

active proctype Accept() {
	byte i, s, v, e, n;
	do
	:: atomic { road?[item, _, _, _, _] -> road?item(i, s, v, e);
		if
		:: r_state == disputed -> skip
		:: r_state == joining -> park(i, s, v, e)
		:: r_state == reading && i < r_inc -> skip
		:: r_state == reading && i > r_inc -> park(i, s, v, e); r_state = joining
		:: r_state == reading && i == r_inc && s <= r_seq ->
			if
			:: r_val[PLACE(i, s)] != 0 && r_val[PLACE(i, s)] != v -> r_state = disputed
			:: else
			fi
#ifdef BREAK_GAP
		:: r_state == reading && i == r_inc && s > r_seq -> take(i, s, v, e)
#else
		:: r_state == reading && i == r_inc && s == r_seq + 1 -> take(i, s, v, e); follow()
		:: r_state == reading && i == r_inc && s > r_seq + 1 -> park(i, s, v, e)
#endif
		fi;
		i = 0; s = 0; v = 0; e = 0
	}
	:: atomic { road?[head, _, _, _, _] -> road?head(i, s, v, e);
		if
		:: r_state == reading && i > r_inc -> r_state = joining
		:: r_state == reading && i == r_inc ->
			if
			:: r_val[PLACE(i, s)] != 0 && r_val[PLACE(i, s)] != v -> r_state = disputed
			:: else -> r_head = s
			fi
		:: else
		fi;
		i = 0; s = 0; v = 0; e = 0
	}
#ifdef TABLE
	:: atomic { road?[resync, _, _, _, _] -> road?resync(i, s, v, e);
		if
		:: r_state == reading -> r_state = joining
		:: else
		fi;
		i = 0; s = 0; v = 0; e = 0
	}
	:: atomic { road?[part, _, _, _, _] -> road?part(i, s, v, e);
		if
		:: r_state == joining && (i > r_inc || (i == r_inc && s >= r_seq)) ->
			if
			:: s_inc == i && s_seq == s && !s_whole -> s_parts = s_parts | (1 << e)
			:: else -> s_inc = i; s_seq = s; s_val = v; s_parts = 1 << e; s_whole = false
			fi;
			if
			:: s_parts == 3 ->
				s_whole = true; s_parts = 0;
				r_state = reading; r_inc = i; r_seq = s; r_hash = v; r_head = s;
				drain(i, s); follow()
			:: else
			fi
		:: else
		fi;
		i = 0; s = 0; v = 0; e = 0
	}
#endif
	/* what is missing below a parked item or a head is asked for */
	:: atomic { QUIET && r_state == reading && r_seq < r_head -> back!askitems(r_inc, r_seq + 1) }
	:: atomic { QUIET && r_state == reading && r_seq + 2 <= CHANGES && r_seq >= r_head &&
		k_val[PLACE(r_inc, r_seq + 2)] != 0 -> back!askitems(r_inc, r_seq + 1) }
#ifdef TABLE
	:: atomic { QUIET && r_state == joining -> back!asksnap(0, 0) }
#endif
	od
}

/* A key travels as a letter: its sender keeps it until the receipt, so it comes, early or late. */
active proctype Keys() {
	do
	:: atomic { HAS(p_given, 1) && !HAS(r_keys, 1) -> r_keys = r_keys | (1 << 1) }
	:: atomic { HAS(p_given, 2) && !HAS(r_keys, 2) -> r_keys = r_keys | (1 << 2) }
	:: atomic { HAS(p_given, 3) && !HAS(r_keys, 3) -> r_keys = r_keys | (1 << 3) }
	od
}

/* ---- the reader applies: rows and cursor in one transaction of the sink ---------------------- */

inline rows(v) {
#ifdef EVENTS
	counted[v]++;
	assert(counted[v] == 1);             /* none twice */
	assert(v == sink + 1);             /* none left out, none before its turn */
#endif
	assert(v >= sink);                 /* a table never goes back */
	sink = v
}

active proctype Apply() {
	byte s;
	do
#ifdef TABLE
	:: atomic { s_whole && NEWER(s_inc, s_seq) ->
		rows(s_val); c_inc = s_inc; c_seq = s_seq }
	:: atomic { s_whole && !NEWER(s_inc, s_seq) ->
		s_whole = false; s_inc = 0; s_seq = 0; s_val = 0 }
#endif
#ifdef BREAK_CURSOR
	/* rows first, the cursor in a commit of its own */
	:: atomic { c_seq < r_seq && HAS(r_keys, r_ep[PLACE(c_inc, c_seq + 1)]) && in_hand == 0 ->
		rows(r_val[PLACE(c_inc, c_seq + 1)]); in_hand = c_seq + 1 }
	:: atomic { in_hand > 0 -> c_seq = in_hand; in_hand = 0 }
	:: atomic { in_hand > 0 && faults > 0 -> faults--; in_hand = 0 }     /* killed between the two */
#else
	:: atomic { !s_whole && c_inc == r_inc && c_seq < r_seq && r_val[PLACE(c_inc, c_seq + 1)] != 0 &&
		HAS(r_keys, r_ep[PLACE(c_inc, c_seq + 1)]) ->
		s = c_seq + 1;
		rows(r_val[PLACE(c_inc, s)]); c_seq = s; s = 0 }
#endif
#ifdef BREAK_GAP
	/* what was passed over is not there to be applied */
	:: atomic { c_seq < r_seq && r_val[PLACE(c_inc, c_seq + 1)] == 0 -> c_seq++ }
#endif
#ifdef BREAK_KEY
	/* an item that cannot be opened yet is left out */
	:: atomic { c_inc == r_inc && c_seq < r_seq && r_val[PLACE(c_inc, c_seq + 1)] != 0 &&
		!HAS(r_keys, r_ep[PLACE(c_inc, c_seq + 1)]) -> c_seq++ }
#endif
	od
}

/* ---- what must hold -------------------------------------------------------------------------- */

/* `timeout`: nobody else can do anything. Then all must have arrived. */
active proctype Watch() {
	timeout ->
#ifdef REACH
	assert(false)                      /* the end is reached: what is proven is not empty */
#else
	assert(DONE)
#endif
}
