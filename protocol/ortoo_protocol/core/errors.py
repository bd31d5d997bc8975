"""Every error that Ortoo raises, in one tree.

    OrtooError
    ├── EnvelopeError      bytes that are not an acceptable envelope
    ├── CodecError         msgpack that is not what its kind says
    ├── KeysError          keys, suites, signatures, key files
    ├── TrustError         root, directory, timestamp, announcements
    ├── FeedError          numbers, chain, epochs, incarnations
    ├── GrantError         grants, cases, catalog: what the law or a person must mend
    ├── LawError           working days and the law's clocks
    ├── GazetteError       announcements of the region
    ├── JournalError       trees, checkpoints, proofs
    ├── BusError           the broker and the way to it
    ├── StoreError         the station's own database and files
    ├── BackupError        backups: made, sealed, read, restored
    ├── RowsError          tables on the wire: schemas, values, keys
    ├── SourceError        databases of departments that are read
    ├── SinkError          databases of departments that are written
    ├── FileError          contents of file feeds, on their way
    ├── SubscriptionError  what an administrator wants of a subscription
    ├── AccountError       people who log in: names, passwords, roles, links
    ├── ApiError           what a department's program asked over HTTP
    ├── QueryError         online queries: declared, asked, answered
    ├── QualityError       rules for data, rows that fail them, rectification tasks
    ├── SupervisionError   leads, written notices, submissions, evaluation
    ├── PrintError         papers as files, HTML and PDF
    ├── SettingsError      what an administrator wrote
    └── DaemonError        the running service and the socket to it

A class is one rejection. ``code`` is stable and ASCII, and is what receipts, journals and scripts
carry; ``what`` and ``cure`` are English templates and the message ids of the translation catalogs.
"""

from __future__ import annotations

import enum
from typing import ClassVar


class Fault(enum.Enum):
    """Who has to act."""

    OURS = "ours"
    THEIRS = "theirs"
    OPERATOR = "operator"


class OrtooError(Exception):
    """Base of the tree. Facts are given as keywords and fill the templates."""

    code: ClassVar[str] = "ortoo"
    fault: ClassVar[Fault] = Fault.OURS
    what: ClassVar[str] = "Something went wrong in Ortoo itself."
    cure: ClassVar[str] = "Report this with the log around it."

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(facts)

    def __str__(self) -> str:
        return f"[{self.code}] {fill(self.what, self.facts)} {fill(self.cure, self.facts)}"


class _Missing(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def fill(template: str, facts: dict[str, object]) -> str:
    """Fill a template; a fact that was not given shows as ``<name>`` rather than raising."""
    return template.format_map(_Missing(facts))


# --- envelope -----------------------------------------------------------------------------------


class EnvelopeError(OrtooError):
    code = "envelope"
    fault = Fault.THEIRS
    what = "The message is not an acceptable envelope."
    cure = "Its sender has to correct it; it was set aside here."


class EnvelopeLengths(EnvelopeError):
    code = "envelope.lengths"
    what = "The lengths in the envelope do not add up: {detail}."


class EnvelopeMagic(EnvelopeError):
    code = "envelope.magic"
    what = "The message does not begin as an Ortoo envelope of a known version."


class EnvelopeSuite(EnvelopeError):
    code = "envelope.suite"
    what = "Cryptographic suite {suite} is not allowed on this plane."
    cure = "The sender must use a suite that the root document of this plane lists."


class EnvelopePlane(EnvelopeError):
    code = "envelope.plane"
    what = "The message belongs to another plane."
    cure = "Intranet and extranet never meet: find out how it came here."


class EnvelopeUnknownKey(EnvelopeError):
    code = "envelope.unknown-key"
    what = "The signing key {key_id} stands in no directory known here."
    cure = "If the sender enrolled just now, the next directory brings its key."


class EnvelopeSignature(EnvelopeError):
    code = "envelope.signature"
    what = "The signature does not verify."


class EnvelopeBodyHash(EnvelopeError):
    code = "envelope.body-hash"
    what = "The body is not the one that was signed."


class EnvelopeHeader(EnvelopeError):
    code = "envelope.header"
    what = "The header is malformed: {detail}."


class EnvelopeSender(EnvelopeError):
    code = "envelope.sender"
    what = "The envelope names {sender} as its sender, but its key belongs to {owner}."


class EnvelopeKeyRetired(EnvelopeError):
    code = "envelope.key-retired"
    what = "The signing key of {sender} was not valid when this was made."
    cure = "The sender must sign with its present key."


class EnvelopeStanding(EnvelopeError):
    code = "envelope.standing"
    what = "{sender} is {status} in the directory."
    cure = "Ask the region's registrars."


class EnvelopeDestination(EnvelopeError):
    code = "envelope.destination"
    what = "The message is meant for {destination}, not for this party."


class EnvelopeExpired(EnvelopeError):
    code = "envelope.expired"
    what = "The message expired before it arrived."
    cure = "The sender has to send it anew if it still matters."


class EnvelopeFuture(EnvelopeError):
    code = "envelope.future"
    what = "The message was made {ahead_s} s in this station's future."
    cure = "Compare both clocks with a time server."


class EnvelopeSize(EnvelopeError):
    code = "envelope.size"
    what = "The body of {size_bytes} bytes is outside the size buckets or above the limit."


class EnvelopeRecipient(EnvelopeError):
    code = "envelope.recipient"
    what = "The message was not sealed to a key of this party."


class EnvelopeOpen(EnvelopeError):
    code = "envelope.open"
    what = "The body cannot be opened with the key it names."


class EnvelopeKeyCommitment(EnvelopeError):
    code = "envelope.key-commitment"
    what = "The content key is not the one the sender committed to."


class EnvelopePlaintextCommitment(EnvelopeError):
    code = "envelope.plaintext-commitment"
    what = "The content is not the one the sender committed to."


class EnvelopeBomb(EnvelopeError):
    code = "envelope.bomb"
    what = "The body unpacks to more than {limit_bytes} bytes."


class EnvelopePadding(EnvelopeError):
    code = "envelope.padding"
    what = "The padding of the body is malformed."


class EnvelopeKind(EnvelopeError):
    code = "envelope.kind"
    what = "Kind {kind} is unknown or not allowed here: {detail}."


class EnvelopeIdReuse(EnvelopeError):
    code = "envelope.id-reuse"
    what = "The sender used the id of an earlier message for other bytes."


# --- codec --------------------------------------------------------------------------------------


class CodecError(OrtooError):
    code = "codec"
    fault = Fault.THEIRS
    what = "The content is not acceptable msgpack: {detail}."
    cure = "Its sender has to correct it; it was set aside here."


class CodecMalformed(CodecError):
    code = "codec.malformed"


class CodecTooLarge(CodecError):
    code = "codec.too-large"
    what = "The content holds more elements, or deeper ones, than its kind allows."


class CodecShape(CodecError):
    code = "codec.shape"
    what = "The content does not have the shape of {expected}: {detail}."


class CodecIdentifier(CodecError):
    code = "codec.identifier"
    what = "{value} is not a valid {expected}."
    cure = "Correct it; the forms are listed in SPEC.md, chapter 2."


# --- keys ---------------------------------------------------------------------------------------


class KeysError(OrtooError):
    code = "keys"
    fault = Fault.OPERATOR
    what = "A key cannot be used."
    cure = "See the runbook on keys."


class KeysSuiteUnknown(KeysError):
    code = "keys.suite-unknown"
    what = "Cryptographic suite {suite} is not built into this program."
    cure = "Install a version that has it."


class KeysMalformed(KeysError):
    code = "keys.malformed"
    what = "A key has a wrong length or form: {detail}."
    cure = "Make it again; never shorten or edit key files."


class KeysRefused(KeysError):
    """Signature, seal or unwrap failed: the only cryptographic failure that callers can tell."""

    code = "keys.refused"
    fault = Fault.THEIRS
    what = "A signature or a sealed text does not verify."
    cure = "It was changed on its way or made with another key."


class KeyFileUnreadable(KeysError):
    code = "keys.file"
    what = "The key file {path} cannot be read: {detail}."
    cure = "Check that the file is there, belongs to this service and has mode 0600."


class KeyFileUnwritable(KeysError):
    code = "keys.unwritable"
    what = "The key file {path} cannot be written: {detail}."
    cure = "Give this user a writable folder with free space; existing keys are not overwritten."


class KeyFileRole(KeysError):
    code = "keys.role"
    what = "The key file {path} holds a {found} key; a {needed} key is needed here."
    cure = "Use the right key file: root keys sign root documents, registrars' keys directories."


class KeyFilePassphrase(KeysError):
    code = "keys.passphrase"
    what = "The passphrase does not open the key file {path}."
    cure = "Point passphrase_file to the passphrase that was set when the keys were made."


class KeyFilePlane(KeysError):
    code = "keys.plane"
    what = "The key file {path} belongs to the {found} plane and party {party}."
    cure = "Keys of one plane never serve the other: point keys to this plane's own file."


class KeysWrapMissing(KeysError):
    code = "keys.wrap-missing"
    what = "{party} announced no encryption key that is valid now and held here."
    cure = "Nobody can seal anything to this party: announce a new key, or restore the key file."


class KeysExpiring(KeysError):
    """A warning."""

    code = "keys.expiring"
    what = "The {needed} of this party ends at {ends}."
    cure = "Have the next one made and announced before that; see the runbook on keys."


# --- trust --------------------------------------------------------------------------------------


class TrustError(OrtooError):
    code = "trust"
    fault = Fault.THEIRS
    what = "A trust document was refused."
    cure = "Ask the region's registrars."


class TrustMalformed(TrustError):
    code = "trust.malformed"
    what = "The {document} document is malformed: {detail}."


class TrustPlane(TrustError):
    code = "trust.plane"
    what = "The {document} document belongs to another plane or region."


class TrustThreshold(TrustError):
    code = "trust.threshold"
    what = "The {document} document has {count} of {threshold} needed signatures."
    cure = "More key holders have to sign it."


class TrustRollback(TrustError):
    code = "trust.rollback"
    what = "The {document} document of version {found} is older than version {known} known here."


class TrustFork(TrustError):
    code = "trust.fork"
    what = "Two different {document} documents carry version {version}."
    cure = "Stop taking on members and call the region's registrars: somebody signed twice."


class TrustSkipped(TrustError):
    code = "trust.skipped"
    what = "Version {found} of the {document} document does not follow version {known}."
    cure = "Fetch the versions between them first."


class TrustExpired(TrustError):
    code = "trust.expired"
    fault = Fault.OPERATOR
    what = "The {document} document expired at {expired}."
    cure = (
        "Check this machine's date; if it is right, the registrars have to sign a new one."
        " Nothing is lost meanwhile."
    )


class TrustStale(TrustError):
    code = "trust.stale"
    fault = Fault.OPERATOR
    what = "The hub's timestamp is {age_s} s old: no new member, key or grant is taken."
    cure = "Check that the hub runs, and this machine's clock; existing grants go on."


class TrustExpiring(TrustError):
    code = "trust.expiring"
    fault = Fault.OPERATOR
    what = "The {document} document expires at {expires}."
    cure = "The registrars have to sign a new one before that."


class TrustSuite(TrustError):
    code = "trust.suite"
    what = "The {document} document uses suite {suite}, which this plane does not allow."


class TrustKey(TrustError):
    code = "trust.key"
    what = "The directory holds no signing key of {party} that is valid now."
    cure = "The party must have its next key signed into the directory."


class TrustFile(TrustError):
    code = "trust.file"
    fault = Fault.OPERATOR
    what = "The document file {path} cannot be read or written: {detail}."
    cure = "Check its name and folder; a document is never overwritten by another one."


class TrustPin(TrustError):
    code = "trust.pin"
    fault = Fault.OPERATOR
    what = "The root document has fingerprint {found}, not {expected}."
    cure = "Compare the fingerprint with the region by telephone before going on."


class TrustRequestPin(TrustPin):
    code = "trust.request-pin"
    what = "The enrolment request has fingerprint {found}, not {expected}."
    cure = (
        "Compare it with the station by telephone. If it reads out another, it is not its request."
    )


class TrustProof(TrustError):
    code = "trust.proof"
    what = "{party} has not proven that it holds the key it asks to enrol."
    cure = "The station must make its enrolment request again."


class TrustWelcome(TrustProof):
    code = "trust.welcome"
    what = "The welcome is for {found}, not for {party}."
    cure = "Ask the region for the welcome that was made for this party."


class TrustToken(TrustError):
    code = "trust.token"
    what = "The enrolment token is unknown, used or expired."
    cure = "Ask the region for a new token."


class TrustAnnouncement(TrustError):
    code = "trust.announcement"
    what = "The announcement of {party} is not acceptable: {detail}."


class TrustDepartment(TrustError):
    code = "trust.department"
    what = "Department {department} does not belong to {party}."
    cure = "A station speaks only for departments that it announced itself."


class TrustUnknownParty(TrustError):
    code = "trust.unknown-party"
    what = "{party} is not in the directory."
    cure = "It has to enrol first."


class TrustClock(TrustError):
    code = "trust.clock"
    fault = Fault.OPERATOR
    what = "This machine's clock differs by {skew_s} s from the signed times of the others."
    cure = "Set the clock (timedatectl, chrony); signing waits until it agrees within an hour."


class TrustClockSkew(TrustClock):
    """A warning: below the hour at which signing stops."""

    code = "trust.clock-skew"
    cure = "Set the clock (timedatectl, chrony): from an hour on nothing is signed any more."


class TrustPeerClock(TrustError):
    code = "trust.peer-clock"
    what = "The clock of {party} differs by {skew_s} s from this machine's and the others'."
    cure = "Have its people set it; what it dates into the future waits here and is not lost."


class TrustStanding(TrustError):
    code = "trust.standing"
    fault = Fault.OPERATOR
    what = "This party, {party}, is {status} in the directory: the others refuse what it signs."
    cure = "Ask the region's registrars why; what waits here is sent once it is active again."


class MemberSilent(TrustError):
    code = "member.silent"
    what = "Nothing was heard of {party} for {hours} hours."
    cure = "Call its administrator; letters to it wait for 60 days."


# --- feeds --------------------------------------------------------------------------------------


class FeedError(OrtooError):
    code = "feed"
    fault = Fault.THEIRS
    what = "A feed item was refused."
    cure = "Ask the publisher to look at its feed."


class FeedOwner(FeedError):
    code = "feed.owner"
    what = "{sender} published on {feed}, which belongs to another party."


class FeedChain(FeedError):
    code = "feed.chain"
    what = "Item {seq} of {feed} does not continue the chain."


class FeedFork(FeedError):
    code = "feed.fork"
    what = "Two different items of {feed} carry number {seq}."
    cure = "The publisher equivocates: both signed items are kept as evidence; tell the region."


class FeedIncarnation(FeedError):
    code = "feed.incarnation"
    what = "{feed} started anew as incarnation {found}; this station reads {known}."
    cure = "A new snapshot is being asked for."


class FeedEpoch(FeedError):
    code = "feed.epoch"
    what = "No key of epoch {epoch} of {feed} is held here."
    cure = "It is being asked for; the items wait."


class FeedKeyMismatch(FeedError):
    code = "feed.key-mismatch"
    what = "The key given for epoch {epoch} of {feed} does not fit what the publisher signed."
    cure = "Different readers may have got different keys: tell the region."


class FeedWithheld(FeedError):
    code = "feed.withheld"
    what = "{feed}: head {head} was announced, {seq} arrived; items seem to be withheld."
    cure = "The missing items are being asked for from the publisher."


class FeedUnknown(FeedError):
    code = "feed.unknown"
    what = "{feed} is not known here."
    cure = "Subscribe first."


class FeedQuota(FeedError):
    code = "feed.quota"
    what = "{reader} asked for too many items of {feed} again."
    cure = "Ask later or for less."


class FeedMixed(FeedError):
    code = "feed.mixed"
    fault = Fault.OPERATOR
    what = "{feed} carries events, or rows of a table, and was given the other."
    cure = "Publish the other under a resource of its own."


class FeedUnread(FeedError):
    code = "feed.unread"
    what = "The publisher of {feed} was restored from a backup and has not read the table since."
    cure = "The publisher publishes the resource. What was received stays as it is until then."


class FeedRetention(FeedError):
    code = "feed.retention"
    what = "Item {seq} of {feed} is past its retention."
    cure = "Take a new snapshot."


# --- grants, cases, catalog ---------------------------------------------------------------------


class GrantError(OrtooError):
    code = "grant"
    fault = Fault.OPERATOR
    what = "The grant does not allow this."
    cure = "Apply for what is needed."


class GrantUnknown(GrantError):
    code = "grant.unknown"
    what = "Grant {grant} is not known here."
    cure = "grant list shows what there is. Conditional: apply. Unconditional: subscribe."


class GrantEnded(GrantError):
    code = "grant.ended"
    what = "Grant {grant} ended: {reason}."
    cure = "Apply again if the need goes on."


class GrantScope(GrantError):
    code = "grant.scope"
    what = "The scope of the grant is not acceptable: {detail}."


class CaseError(GrantError):
    code = "case"


class CaseUnknown(CaseError):
    code = "case.unknown"
    what = "No case {case} is known here."


class CaseMove(CaseError):
    code = "case.move"
    what = "A case that is {state} cannot be moved by {event}."
    cure = "Look at its present state first."


class CaseReason(CaseError):
    code = "case.reason"
    what = "A refusal needs a reason (Measures art. 19)."
    cure = "State why; it goes to the applicant."


class CaseField(CaseError):
    code = "case.field"
    what = "{field} is missing or not acceptable: {detail}."
    cure = "Fill it in."


# --- share requests: what the table, the profile or the other side does not allow ---


class CaseSide(CaseError):
    code = "case.side"
    fault = Fault.THEIRS
    what = "{event} is no step of the {side}."


class CaseUnconditional(CaseError):
    code = "case.unconditional"
    what = "What is shared unconditionally is taken directly; it cannot be refused ({article})."
    cure = "Grant it, or have its share type changed and ratified in the catalog first."


class CaseGround(CaseError):
    code = "case.ground"
    what = (
        "A refusal cites a law, an administrative regulation or a decision of the State Council"
        " ({article})."
    )
    cure = "Name its kind (法律, 行政法规, 国务院决定) and the article that forbids sharing."


class CaseRule(CaseError):
    code = "case.rule"
    what = "The rule profile {profile} does not know this step ({article})."
    cure = "Choose another step: request show lists those that are open."


class CaseNotAsked(CaseError):
    code = "case.not-asked"
    what = "No extension was asked for, or it was answered already."


class CaseEarly(CaseError):
    code = "case.early"
    what = "It is too early for this step: a term still runs ({article})."
    cure = "Wait until it has run out, or until both sides have said that they do not agree."


class CaseSame(CaseError):
    code = "case.same"
    what = "This department has asked for the same already, and the case is open."
    cure = "Follow that case: request list."


class CaseDiffers(CaseError):
    """A notice."""

    code = "case.differs"
    what = "Case {case} is {here} here and {there} with the hub."
    cure = "Compare again (request compare); if it stays, send both histories to the hub's people."


class CaseAttachment(CaseError):
    code = "case.attachment"
    what = "The attachment {name} is not acceptable: {detail}."
    cure = "Attach a PDF, JPEG or PNG of at most 8 MiB, eight of them at most."


class CaseConditions(CaseError):
    code = "case.conditions"
    what = "Grant {grant} opens once its conditions of use are accepted."
    cure = "Read them (request show), then: request agree."


class PrintError(OrtooError):
    """Papers as files."""

    code = "print"
    fault = Fault.OPERATOR
    what = "The paper cannot be written: {detail}."
    cure = "Choose another file."


class PrintFile(PrintError):
    code = "print.file"
    what = "{path} cannot be written: {detail}."
    cure = "Name a new file in a folder that you may write, ending in .html or .pdf."


class PrintBrowser(PrintError):
    code = "print.browser"
    what = "No browser here prints to PDF: {detail}."
    cure = "Write .html and print it from any browser, or install Chromium."


class DemandUnknown(CaseError):
    code = "case.demand-unknown"
    what = "No demand {number} of {provider} is known here."
    cure = "List them: demand list."


class DemandMove(CaseError):
    code = "case.demand-move"
    what = "A demand that is {state} cannot be moved by {event}."
    cure = "Look at it first: demand show."


class CatalogError(GrantError):
    code = "catalog"


class CatalogUnknown(CatalogError):
    code = "catalog.unknown"
    what = "No resource {resource} is in the catalog."
    cure = "Search for it: catalog search WORD."


class CatalogQuery(CatalogError):
    code = "catalog.query"
    what = "The catalog cannot be searched like that: {detail}."
    cure = (
        "Ask for fewer and shorter words (200 characters, 16 words), filters as --help names them."
    )


class CatalogCarried(CatalogError):
    code = "catalog.carriage"
    what = "What feeds are said to have carried cannot be so: {detail}."
    cure = "The station that says so needs the present version, or the right time."


class CatalogField(CatalogError):
    code = "catalog.field"
    what = "{field} of the catalog entry is not acceptable: {detail}."
    cure = "Correct the entry and submit it again."


class CatalogTooLong(CatalogField):
    code = "catalog.too-long"
    what = "{field} of the catalog entry has more than {most} characters."
    cure = "Shorten it."


class CatalogCreditCode(CatalogField):
    code = "catalog.credit-code"
    what = (
        "{field}: {value} is no unified social credit code (GB 32100), or its check digit is wrong."
    )
    cure = "Copy the 18 characters from the organisation's certificate."


class CatalogItems(CatalogField):
    code = "catalog.items"
    what = "A resource has 1 to {most} items, this one {items}."
    cure = "Name its items, or divide it into several resources."


class CatalogItemLength(CatalogField):
    code = "catalog.item-length"
    what = "Item {item} has the length 0."
    cure = "Write how many characters or digits it has at most, or leave the length out."


class CatalogItemTwice(CatalogField):
    code = "catalog.item-twice"
    what = "Item {item} stands twice in this resource."
    cure = "Give each its own name, or each a column of its own."


class CatalogCode(CatalogField):
    code = "catalog.code"
    what = "{code} is no code of the scheme in force: {detail}."
    cure = "Choose a class of the scheme: catalog codes."


class CatalogCodesFull(CatalogField):
    code = "catalog.codes-full"
    what = "All sequence numbers of class {prefix} are given."
    cure = "Choose another class, or lengthen sequence_digits in the scheme."


class CatalogItemShareType(CatalogField):
    code = "catalog.item-share-type"
    what = "Item {item} is not unconditional, but its resource is ({article})."
    cure = "Make the resource conditional and cite the basis, or set the item's share type to 1."


class CatalogRelated(CatalogField):
    code = "catalog.related"
    what = "The relation leads back to where it begins: {path}."
    cure = "Take one of these relations out."


class CatalogSeparation(CatalogField):
    code = "catalog.separation"
    what = (
        "{field} is empty, or names somebody who took another step: who compiles does not approve, "
        "who approves for the department does not file for the authority."
    )
    cure = "Let somebody else do this step."


class CatalogSecrecy(CatalogField):
    code = "catalog.secrecy"
    what = "The department's secrecy check comes before anything is published ({article})."
    cure = "Have it checked, and name who did it."


class CatalogBaseItem(CatalogField):
    code = "catalog.base-item"
    what = (
        "Item {item} is a base item of a base catalog and so is shared unconditionally ({article})."
    )
    cure = "Set its share type to 1, or mark it as a business item."


class CatalogImpact(CatalogField):
    code = "catalog.impact"
    what = "Personal information needs an assessment of its protection first ({article})."
    cure = "Have it assessed, and name who did it."


class CatalogGrade(CatalogField):
    code = "catalog.grade"
    what = "The entry names no grade of classification ({article})."
    cure = "Name its grade: 一般, 重要 or 核心."


class CatalogConditions(CatalogField):
    code = "catalog.conditions"
    what = "A conditional resource lists its conditions and purposes of use ({article})."
    cure = "State the condition and at least one purpose."


class CatalogLead(CatalogField):
    code = "catalog.lead"
    what = "A base or theme catalog has a lead department that compiles it ({article})."
    cure = "Name the lead department."


class CatalogLeadOther(CatalogField):
    code = "catalog.lead-other"
    what = "The lead department of this class is {lead}, not {given} ({article})."
    cure = "Name that one, or choose another class."


class CatalogFiling(CatalogField):
    code = "catalog.filing"
    what = "The entry was not filed with the authority of the same level ({article})."
    cure = "File it first."


class CatalogRatification(CatalogField):
    code = "catalog.ratification"
    what = "Its share type was not ratified by the authority of the same level ({article})."
    cure = "Have the share type ratified first."


class CatalogRevived(CatalogField):
    code = "catalog.revived"
    what = "{resource} was stopped and comes back under the filing that it had before: {filed}."
    cure = "Revise it: the next version goes through all steps and is filed anew."


class CatalogFeed(CatalogField):
    code = "catalog.feed"
    what = "Feed {feed} carries something else already: each resource has a feed of its own."
    cure = "Leave the feed out of the entry: the station names it after the code."


class CatalogRange(CatalogField):
    code = "catalog.range"
    what = "Code {code} lies in the division {division}, which is {owner}'s."
    cure = "Use a class with your own division, or leave the division out."


class CatalogBasis(CatalogError):
    code = "catalog.basis"
    what = "A resource that is not shared with everybody needs a cited legal basis ({article})."
    cure = "Cite the law, regulation or policy."


class CatalogOwner(CatalogError):
    code = "catalog.owner"
    what = "Code {resource} belongs to another provider."
    cure = "Choose a code of your own."


class SheetError(CatalogError):
    """A file of catalog entries that is not taken in; nothing of it is."""

    code = "catalog.sheet"
    what = "File {file} cannot be used: {detail}."
    cure = "Correct the file and import it again; nothing of it was taken in."


class SheetKind(SheetError):
    code = "catalog.sheet-kind"
    what = "File {file} is no workbook (.xlsx), CSV or JSON that can be read."
    cure = "Save it as .xlsx, .csv or .json, and import that."


class SheetOld(SheetError):
    code = "catalog.sheet-old"
    what = "File {file} is a workbook of the old form (.xls)."
    cure = "Open it in a spreadsheet program and save it as .xlsx."


class SheetPassword(SheetError):
    code = "catalog.sheet-password"
    what = "File {file} is protected by a password."
    cure = "Open it, take the password to open it away, save it, and import it again."


class SheetMacros(SheetError):
    code = "catalog.sheet-macros"
    what = "Workbook {file} holds macros (programs)."
    cure = "Save it as .xlsx without macros; programs are never taken in."


class SheetUnpacks(SheetError):
    code = "catalog.sheet-unpacks"
    what = "Workbook {file} unpacks to more than {limit_mb} MB."
    cure = "Take pictures and other sheets out of it, or split it."


class SheetRows(SheetError):
    code = "catalog.sheet-rows"
    what = "File {file} has more than {limit} rows: cell {cell} is beyond them."
    cure = "Split it into several files; each resource stays whole."


class SheetCellSize(SheetError):
    code = "catalog.sheet-cell-size"
    what = "Cell {cell} of {file} holds more than {limit} characters."
    cure = "Shorten it: a spreadsheet program itself shows no more."


class SheetEncoding(SheetError):
    code = "catalog.sheet-encoding"
    what = "File {file} is not text in {encoding}: byte {place} does not fit."
    cure = "Save it as UTF-8 or GB18030."


class SheetLine(SheetError):
    code = "catalog.sheet-line"
    what = "File {file} cannot be read from line {line} on: {detail}."
    cure = "Correct that line; a program that writes CSV doubles quotes inside quotes."


class SheetHeader(SheetError):
    code = "catalog.sheet-header"
    what = "File {file} has no header within its first {rows} rows."
    cure = "Take the headings from the template: catalog template FILE.xlsx."


class SheetColumns(SheetError):
    code = "catalog.sheet-columns"
    what = "The header in row {row} of {file} lacks: {columns}."
    cure = "Add these headings; catalog template FILE.xlsx writes all of them."


class SheetTwice(SheetError):
    code = "catalog.sheet-twice"
    what = "The header of {file} has {heading} twice: in {cell} and {other}."
    cure = "Leave one of the two columns; which one counts cannot be guessed."


class SheetJson(SheetError):
    code = "catalog.sheet-json"
    what = "File {file} is no JSON of catalog entries: {detail}."
    cure = "catalog export FILE.json shows the form."


class SheetEmpty(SheetError):
    code = "catalog.sheet-empty"
    what = "File {file} holds no resource."
    cure = "Write one row for each item below the header."


class SheetProblems(SheetError):
    code = "catalog.sheet-problems"
    what = "{count} problems in {file}; nothing of it was taken in."
    cure = "Mend what is marked in {marked}, and import that."


class CatalogImport(CatalogError):
    code = "catalog.import"
    what = "The import did not come to its end."
    cure = "Begin it again; nothing of it was taken in."


class ImportGone(CatalogImport):
    code = "catalog.import-gone"
    what = "This import is not under way any more: the service restarted, or it waited too long."


class ImportOrder(CatalogImport):
    code = "catalog.import-order"
    what = "A part of the import came as number {found} where {wanted} was expected."


class ImportFull(CatalogImport):
    code = "catalog.import-full"
    what = "Too many imports are under way at this station, or too large ones."
    cure = "Wait until they have ended, or split the file."


class CellError(CatalogError):
    """What is wrong with one cell; which one is said beside it."""

    code = "catalog.cell"
    what = "It cannot be used: {detail}."
    cure = "Correct the cell."


class CellMissing(CellError):
    code = "catalog.cell-missing"
    what = "Nothing is written for {heading}."
    cure = "Fill it in: the catalog needs it."


class CellChoice(CellError):
    code = "catalog.cell-choice"
    what = "{shown} is none of the values that are possible here."
    cure = "Choose: {choices}."


class CellNumber(CellError):
    code = "catalog.cell-number"
    what = "{shown} is no number of the kind that belongs here."
    cure = "Write digits alone, such as {example}."


class CellLength(CellError):
    code = "catalog.cell-length"
    what = "A length of {shown} is none."
    cure = "Write how many characters or digits the longest value has: 1 or more."


class CellDate(CellError):
    code = "catalog.cell-date"
    what = "{shown} is no day of the calendar."
    cure = "Write it as 2026-01-31 or 2026年1月31日."


class CellText(CellError):
    code = "catalog.cell-text"
    what = "{characters} characters stand here; {limit} are the most."
    cure = "Shorten it."


class CellFormula(CellError):
    code = "catalog.cell-formula"
    what = "A formula without a stored value stands here."
    cure = "Write the value itself, or open the file in a spreadsheet program and save it."


class CellShowsError(CellError):
    code = "catalog.cell-shows-error"
    what = "The cell shows the error {shown}."
    cure = "Write the value itself."


class CellDigits(CellError):
    code = "catalog.cell-digits"
    what = "A code is kept here as a number of more than 15 digits: it was rounded."
    cure = "Format the column as text and enter the code anew."


class CellDiffers(CellError):
    code = "catalog.cell-differs"
    what = "It differs from {other}, though both rows belong to {resource}."
    cure = "Write the same in both, or give the row the name of its own resource."


class CellMerged(CellError):
    code = "catalog.cell-merged"
    what = "It is merged over {range}, but {resource} has the rows {first} to {last}."
    cure = "Merge over exactly the rows of one resource, or write the value into each row."


class CellApart(CellError):
    code = "catalog.cell-apart"
    what = "{resource} begins here again; its first row is {row}."
    cure = "Put all rows of a resource below each other."


class CellStray(CellError):
    code = "catalog.cell-stray"
    what = "The row belongs to no resource: no name stands here or above."
    cure = "Write the name of the resource here."


class CellTwice(CellError):
    code = "catalog.cell-twice"
    what = "{shown} stands in {other} already."
    cure = "Give each its own; a resource without a code is given one."


class CellDepartment(CellError):
    code = "catalog.cell-department"
    what = "{shown} is no unified social credit code: {detail}."
    cure = "Copy its 18 characters from the certificate."


class CellDepartmentName(CellError):
    code = "catalog.cell-department-name"
    what = "{shown} is not the name of {code}, which is {name}."
    cure = "Compare name and code; one of them is another department's."


class CellDivision(CellError):
    code = "catalog.cell-division"
    what = "{shown} names the division {division}, which is none of this region."
    cure = "Characters 3 to 8 are the division by GB/T 2260; compare them with the certificate."


class CatalogShareType(CatalogError):
    code = "catalog.share-type"
    what = "{resource} is {share_type}: {detail}."
    cure = "Unconditional: subscribe. Conditional: apply."


class CatalogStopped(CatalogError):
    code = "catalog.stopped"
    what = "{resource} was stopped: nothing more is published of it."
    cure = "To supply it again, its entry is filed anew."


class CatalogScheme(CatalogError):
    code = "catalog.scheme"
    what = "The table of codes cannot be used: {detail}."
    cure = "Correct the table, or take it out of the settings for the built-in one."


class CatalogStep(CatalogError):
    code = "catalog.step"
    what = "A draft that is {state} cannot be put through this step: {step}."
    cure = "See which steps are open: catalog steps {draft}."


class CatalogDrifted(CatalogError):
    code = "catalog.drift"
    what = "The catalog and the source of {resource} differ in {count} places."
    cure = (
        "See which: catalog drift {resource}. Revise the entry or mend the source; then "
        "catalog drift {resource} --now looks again."
    )


class CatalogAttachment(CatalogError):
    code = "catalog.attachment"
    what = "{resource} is tied to no source."
    cure = "Tie it: catalog attach {resource} --source NAME --table TABLE."


class CatalogChangeUnknown(CatalogError):
    code = "catalog.change-unknown"
    what = "There is no open change of law or duties {change}."
    cure = "List them: catalog change list."


class CatalogExtension(CatalogError):
    code = "catalog.extension"
    what = "The time to update the catalog cannot be extended: {detail}."
    cure = "Update the entries, or close the change with a reason."


class CatalogOverdue(CatalogError):
    code = "catalog.overdue"
    what = "The catalog should have followed {subject} by {day} ({article})."
    cure = "Revise the entries that it names, or close it with a reason: catalog change list."


class CatalogProfile(CatalogError):
    code = "catalog.profile"
    what = "Rule profile {profile} cannot be put in force here: {detail}."
    cure = "NM2018 holds on both planes, SC2025 on the extranet."


class CatalogListUnknown(CatalogError):
    code = "catalog.list-unknown"
    what = "The list {list} has no row {number}."
    cure = "Look through it: catalog lists show {list}."


class CatalogConflictUnknown(CatalogError):
    code = "catalog.conflict-unknown"
    what = "There is no conflict {conflict} over sources of data that could be resolved."
    cure = "List them: catalog conflicts."


class CatalogConflicted(CatalogError):
    code = "catalog.conflicted"
    what = "{count} conflicts over sources of data are open (一数一源)."
    cure = "List them: catalog conflicts. A person of the region's authority resolves each."


class CatalogResolution(CatalogError):
    code = "catalog.resolution"
    what = "{source} is neither of the two resources of this conflict: {first}, {second}."
    cure = "Name one of them, or none where both keep their claims."


class CatalogDraftUnknown(CatalogError):
    code = "catalog.draft-unknown"
    what = "There is no draft {draft}."
    cure = "List them: catalog drafts."


class CatalogDuties(CatalogError):
    code = "catalog.duties"
    what = "{who} has taken another step of this draft and cannot take this one: {step}."
    cure = "Separation of duties: let somebody else do it."


class CatalogReason(CatalogError):
    code = "catalog.reason"
    what = "This step needs a reason, and the name of who takes it: {step}."
    cure = "State both."


class CatalogAuthority(CatalogError):
    code = "catalog.authority"
    what = "{who} is not of the authority that takes this step: {step}."
    cure = "The settings name the authority's people ([catalog] authority)."


class StopReason(CaseError):
    code = "stop.reason"
    what = "To stop supplying needs a reason and prior filing (Measures art. 18)."
    cure = "State the reason; the filing is made with it."


class StopUnfiled(CaseError):
    code = "stop.unfiled"
    fault = Fault.THEIRS
    what = "{provider} ended grant {grant} without the filing that comes first (Measures art. 18)."
    cure = "Have the provider file it and say why it did not."


class DispatchUnknown(GrantError):
    code = "dispatch.unknown"
    fault = Fault.OPERATOR
    what = "No whole dispatch {dispatch} is here."
    cure = "See dispatch list; parts that lack are on their way."


class DispatchContent(GrantError):
    code = "dispatch.content"
    fault = Fault.OPERATOR
    what = "{path} is larger than {most_bytes} bytes."
    cure = "Publish it as a file; its readers fetch it in chunks."


# --- announcements of the region (core/gazette.py) ------------------------------------------------


class GazetteError(OrtooError):
    code = "announcement"
    fault = Fault.OPERATOR
    what = "This cannot be announced."
    cure = "Look at its arguments."


class AnnouncementInvalid(GazetteError):
    code = "announcement.invalid"
    what = "The announcement cannot be taken: {field}: {detail}."
    cure = "Correct it; nothing was announced."


class AnnouncementUnknown(GazetteError):
    code = "announcement.unknown"
    what = "There is no announcement {announcement}."
    cure = "See the list of announcements, ended ones included."


class AnnouncementKnown(GazetteError):
    code = "announcement.known"
    fault = Fault.THEIRS
    what = "Announcement {announcement} was made before; it cannot be said anew."
    cure = "Nothing was changed; another announcement takes its place under a number of its own."


class AnnouncementEnded(GazetteError):
    code = "announcement.ended"
    what = "Announcement {announcement} is {standing} already."
    cure = "Make a new announcement."


# --- working days and the law's clocks ----------------------------------------------------------


class LawError(OrtooError):
    code = "law"
    fault = Fault.OPERATOR
    what = "The law's clocks cannot do this."
    cure = "Look at its arguments."


class CalendarInvalid(LawError):
    code = "calendar.invalid"
    what = "The calendar of {year} cannot be taken: {detail}."
    cure = "Correct it after the official notice and import it again."


class CalendarOld(LawError):
    code = "calendar.old"
    fault = Fault.THEIRS
    what = (
        "Version {version} of the calendar of {year} is not newer than {held}, which is in force."
    )
    cure = "Nothing was changed; the hub sends newer versions only."


class CalendarMissing(LawError):
    code = "calendar.missing"
    what = "No calendar of {year} is in force; {count} open deadlines are provisional."
    cure = "The hub's people import the year once its days are named (ortoo-hub calendar import)."


class CalendarFile(LawError):
    code = "calendar.file"
    what = "{path} is no calendar file: {detail}."
    cure = "`ortoo-hub calendar export` writes one that can be filled in."


class ClockUnknown(LawError):
    code = "clock.unknown"
    what = "There is no clock {clock}."
    cure = "See `clock list`."


class ClockPause(LawError):
    code = "clock.pause"
    what = "The clock of {duty} cannot do this: {detail}."
    cure = "It goes on as it was; the rules in force name what lets it pause."


class ClockExtension(LawError):
    code = "clock.extension"
    what = "The time for {duty} cannot be extended: {detail}."
    cure = "It stays due as it is (clock show)."


class ContactInvalid(LawError):
    code = "contact.invalid"
    what = "The contacts of {department} cannot be taken: {field}: {detail}."
    cure = "Correct this field and set them again."


class ContactUnknown(LawError):
    code = "contact.unknown"
    what = "No contacts of {department} are known here."
    cure = "Set them (contact set), or look at the code (contact list)."


class ContactPerson(LawError):
    code = "contact.person"
    what = "Person {role} is {before}; {after} cannot take that place in this way."
    cure = "A person is replaced with `contact handover`, which records what is open."


class ContactOld(LawError):
    code = "contact.old"
    fault = Fault.THEIRS
    what = "Report {number} on the contacts of {department} is not newer than {held}, held here."
    cure = "Nothing was changed; the department's station confirms its contacts anew."


class ContactAbsence(LawError):
    code = "contact.absence"
    what = "The absence of {person} cannot be noted: {detail}."
    cure = "See `contact show` for who is away and until when."


class NoticeError(LawError):
    code = "notice"


class NoticeFailed(NoticeError):
    code = "notice.failed"
    what = "Channel {channel} cannot send now: {detail}."
    cure = "Nothing else waits for it. It is tried again by itself; see `notify test`."


class NoticeRefused(NoticeError):
    code = "notice.refused"
    what = "Channel {channel} does not take this notice: {detail}."
    cure = "Look at the person's addresses (contact show) and at [notify] in the settings."


class NoticesWaiting(NoticeError):
    code = "notice.waiting"
    what = "Channel {channel}: {waiting} notices wait, {lost} were given up; at last: {detail}."
    cure = "Find out with `notify test`, then `notify retry`."


class ContactMissing(LawError):
    code = "contact.missing"
    what = "{party} has reported no contacts of its department {department} (Measures art. 27)."
    cure = "Set them at that station (contact set); they are reported by themselves."


class ContactStale(LawError):
    code = "contact.stale"
    what = "The contacts of {department} at {party} were to be confirmed by {day}."
    cure = "Have that station look at them and confirm or hand over (contact confirm, handover)."


# --- use of what was granted --------------------------------------------------------------------


class UseError(GrantError):
    code = "use"


class UsePurpose(UseError):
    code = "use.purpose"
    what = "Nothing was granted for this purpose: {purpose} ({article}). Granted: {granted}."
    cure = "Name the purpose as it was granted; for another one apply first."


class GrantIsSuspended(UseError):
    """Not ended: it goes on when what was found has been set right."""

    code = "grant.suspended"
    what = "Grant {grant} is suspended by {by} until {until}: {reason}."
    cure = (
        "Set right what was found and report it: grant rectified. Then it goes on where it stood."
    )


class SuspensionMove(UseError):
    code = "grant.suspension-move"
    what = "A suspension that is {state} cannot be moved by {event}."
    cure = "Look at the grant first: grant show."


class SuspensionUnknown(UseError):
    code = "grant.suspension"
    what = "Grant {grant} is not suspended, or not by whom this is said."
    cure = "Look at the grant first: grant show."


class SuspensionEarly(UseError):
    code = "grant.suspension-early"
    what = "The time to set things right runs until {until} ({article})."
    cure = "End the grant when that is over, or when what was reported was found not to be enough."


class EndingMove(UseError):
    code = "grant.ending-move"
    what = "An announced end that is {state} cannot be moved by {event}."
    cure = "Look at the grant first: grant show."


class EndingUnknown(UseError):
    code = "grant.ending"
    what = "No end or change of grant {grant} was announced."
    cure = "Look at the grant first: grant show."


class EndingNotNegotiated(UseError):
    code = "grant.not-negotiated"
    what = "A service is not ended or changed before that was negotiated and filed ({article})."
    cure = "Announce it (grant announce); it ends when the reader agrees, or on its day."


class DisposalMove(UseError):
    code = "use.disposal-move"
    what = "A disposal that is {state} cannot be moved by {event}."
    cure = "Look at the grant first: grant show."


class DisposalUnknown(UseError):
    code = "use.disposal"
    what = "No disposal of what came under grant {grant} was declared or asked for."
    cure = "Declare it first: use dispose."


class CorrectionError(UseError):
    code = "correction"


class CorrectionUnknown(CorrectionError):
    code = "correction.unknown"
    what = "No correction {correction} is known here."
    cure = "List them: correction list."


class CorrectionMove(CorrectionError):
    code = "correction.move"
    what = "A correction that is {state} cannot be moved by {event}."
    cure = "Look at it first: correction show."


class CorrectionKey(CorrectionError):
    code = "correction.key"
    what = "The row is not named as its resource names rows: {detail}."
    cure = "Give each key item as --key COLUMN=VALUE."


class CorrectionDetailAway(CorrectionError):
    code = "correction.detail"
    what = "Which row is meant has not arrived yet."
    cure = "Answer when it is here; it comes in a letter of its own, sealed to this station."


class CorrectionNotPublished(CorrectionError):
    code = "correction.not-published"
    what = "The row stands on the feed as the reader saw it, at item {seq}."
    cure = "Correct it at its source and publish; then answer that it was corrected."


class UseAlike(UseError):
    code = "use.alike"
    what = (
        "{same} of {looked} rows of {place} that were looked at stand in what was received of"
        " {resource} under grant {grant}."
    )
    cure = (
        "Look where they come from. What was received is not passed on, copied neither; what a"
        " department collected itself may well be the same."
    )


class UseOnward(UseError):
    code = "use.onward"
    what = (
        "{place} holds what was received of {resource} under grant {grant}; it is not passed on,"
        " not even in another form ({article})."
    )
    cure = (
        "Take the data from where they come from; whoever needs them asks their provider. Where the"
        " rules allow it, ask that provider for consent: use onward ask."
    )


class OnwardClause(UseError):
    code = "use.onward-clause"
    what = "Under {article} what was received is not passed on so; cited was {clause}."
    cure = "Whoever needs the data asks their provider."


class OnwardMove(UseError):
    code = "use.onward-move"
    what = "A consent to passing on that is {state} cannot be moved by {event}."
    cure = "Look at it first: use onward list."


class OnwardUnknown(UseError):
    code = "use.onward-unknown"
    what = "No consent to passing on {onward} was asked for."
    cure = "List them: use onward list."


# --- journal ------------------------------------------------------------------------------------


class JournalError(OrtooError):
    code = "journal"
    fault = Fault.OPERATOR
    what = "The journal does not verify."
    cure = "Keep everything as it is and call the security administrator."


class JournalRow(JournalError):
    code = "journal.row"
    what = "A journal row is malformed: {detail}."


class JournalTree(JournalError):
    code = "journal.tree"
    fault = Fault.OURS
    what = "The journal's tree has no such place: {detail}."


class JournalInclusion(JournalError):
    code = "journal.inclusion"
    fault = Fault.THEIRS
    what = "The proof does not show that row {index} is in the journal of {size} rows."


class JournalConsistency(JournalError):
    code = "journal.inconsistent"
    fault = Fault.THEIRS
    what = "The journal of {size} rows is not shown to go on from the one of {old_size} rows."


class JournalRollback(JournalError):
    code = "journal.rollback"
    fault = Fault.THEIRS
    what = "The journal {origin} shrank from {old_size} to {size} rows."
    cure = "If it was restored from a backup, restore its missing rows; else tell the region."


class JournalFork(JournalError):
    code = "journal.fork"
    fault = Fault.THEIRS
    what = "The journal {origin} has two different histories of {size} rows."
    cure = "Both signed checkpoints are kept as evidence: tell the region."


class JournalOrigin(JournalError):
    code = "journal.origin"
    fault = Fault.THEIRS
    what = "The checkpoint belongs to the journal {found}, not to {expected}."


class JournalNote(JournalError):
    code = "journal.note"
    fault = Fault.THEIRS
    what = "The checkpoint is malformed: {detail}."


class JournalSignature(JournalError):
    code = "journal.signature"
    fault = Fault.THEIRS
    what = "The signature of {key} on the checkpoint of {origin} does not verify."


class JournalUnsigned(JournalError):
    code = "journal.unsigned"
    fault = Fault.THEIRS
    what = "The checkpoint of {origin} is not signed by its own journal."


class JournalSize(JournalError):
    code = "journal.size"
    fault = Fault.THEIRS
    what = "A journal of {whole} rows has no such tree: {size} rows."
    cure = "Ask for sizes within it, the older first; the newest checkpoint names one."


class JournalNone(JournalError):
    code = "journal.no-checkpoint"
    what = "This journal has no signed checkpoint yet."
    cure = "Ask again in a minute."


class JournalUnknown(JournalError):
    code = "journal.unknown"
    fault = Fault.THEIRS
    what = "The journal has no row {seq}."
    cure = "Rows are counted from 0; see how many there are: status."


class JournalRefused(JournalError):
    code = "journal.refused"
    fault = Fault.THEIRS
    what = "The journal of {party} was not cosigned: {refused}."
    cure = "The refused checkpoint is kept in quarantine: ask that party's administrator."


class ArchiveError(JournalError):
    code = "archive"
    what = "The archive of the journal does not verify."
    cure = "Fetch that file again from another copy; keep this one and call the administrator."


class ArchiveChunk(ArchiveError):
    code = "archive.chunk"
    what = "A part of the archive cannot be read: {detail}."


class ArchiveList(ArchiveError):
    code = "archive.list"
    what = "The list of the archive {file} does not hold: {detail}."


class EvidenceError(JournalError):
    code = "evidence"
    fault = Fault.THEIRS
    what = "The bundle of evidence does not verify."
    cure = "Keep the bundle as it came and ask its party for another."


class EvidenceForm(EvidenceError):
    code = "evidence.form"
    what = "The bundle of evidence is malformed: {detail}."


class EvidenceMissing(EvidenceError):
    code = "evidence.missing"
    what = "The bundle lists {file}, and it is not in it."


class EvidenceSurplus(EvidenceError):
    code = "evidence.surplus"
    what = "The bundle holds {file}, which its list does not name."


class EvidenceChanged(EvidenceError):
    code = "evidence.changed"
    what = "{file} is not the file that the bundle lists."


class EvidenceUnsigned(EvidenceError):
    code = "evidence.unsigned"
    what = "The list of the bundle is not signed by {party}."


class EvidenceDirectory(EvidenceError):
    code = "evidence.directory"
    what = "Row {row} names directory {version} by another hash than the bundle's."


class EvidenceIncomplete(EvidenceError):
    code = "evidence.incomplete"
    what = "Row {row} should be in the bundle and is not."


class EvidenceRow(EvidenceError):
    code = "evidence.row"
    what = "Row {row} and the message that it is about do not agree: {detail}."


class EvidenceGrant(EvidenceError):
    code = "evidence.grant"
    what = "The terms of grant {grant} are not what its letter brought."


class EvidenceErased(EvidenceError):
    code = "evidence.erased"
    fault = Fault.OPERATOR
    what = "The message of item {seq} of {feed} is not here any more."
    cure = "Ask the publisher to send it again while it keeps it, or let the publisher open it."


class EvidenceNothing(EvidenceError):
    code = "evidence.nothing"
    fault = Fault.OPERATOR
    what = "No row of the journal fits what was asked for."
    cure = "Look for rows first: journal search."


class EvidenceTooMuch(EvidenceError):
    code = "evidence.too-much"
    fault = Fault.OPERATOR
    what = "More than {most} rows fit: one bundle does not hold them."
    cure = "Export them in several ranges: --first and --last."


# --- bus ----------------------------------------------------------------------------------------


class BusError(OrtooError):
    code = "bus"
    fault = Fault.OPERATOR
    what = "The broker cannot be used: {detail}."
    cure = "Look at doctor."


class BusUnreachable(BusError):
    code = "bus.unreachable"
    what = "The broker at {address} cannot be reached: {detail}."
    cure = "Check the address, the network and the broker; it is tried again by itself."


class BusTlsRefused(BusError):
    code = "bus.tls"
    what = "No TLS connection to the broker at {address}: {detail}."
    cure = "Check that the port speaks TLS and that ca_file is this plane's authority."


class BusTlsAuthority(BusTlsRefused):
    code = "bus.tls-authority"
    what = "The broker at {address} shows a certificate of another authority: {detail}."
    cure = "Point ca_file to this plane's authority. If it already does, somebody stands between."


class BusTlsHostname(BusTlsRefused):
    code = "bus.tls-hostname"
    what = "The broker at {address} shows a certificate for another name: {detail}."
    cure = "Use the host name that the certificate bears, or have it issued for this one."


class BusLoginRefused(BusError):
    code = "bus.login"
    what = "The broker at {address} does not let {user} in: {detail}."
    cure = "Check password_file; if it is right, this party is suspended: ask the region."


class BusPlane(BusError):
    code = "bus.plane"
    what = "The broker at {address} serves the {found} plane, not the {plane}."
    cure = "The planes never meet: point [broker] to this plane's own broker and its keys."


class BusForbidden(BusError):
    code = "bus.forbidden"
    what = "The broker does not allow {user} {action}: {detail}."
    cure = "The hub grants what the directory and the grants say: look there first."


class BusLost(BusError):
    code = "bus.lost"
    what = "The connection to the broker is gone: {detail}."
    cure = "It is opened again by itself; nothing is lost."


class BusBlocked(BusError):
    code = "bus.blocked"
    what = "The broker {address} takes nothing: an alarm of its disk or memory is on."
    cure = "Free space on the broker's machine; what waits here is then sent by itself."


class BusMissing(BusLost):
    code = "bus.missing"
    what = "The broker has no queue {queue}."
    cure = "The hub makes it within 30 s of running; check that the hub runs."


class BrokerAdminError(BusError):
    code = "broker.admin"
    what = "The broker's management interface cannot be used: {detail}."


class BrokerAdminUnreachable(BrokerAdminError):
    code = "broker.admin-unreachable"
    what = "The broker's management interface at {address} cannot be reached: {detail}."
    cure = "Check the address and the broker; grants given meanwhile act once it is back."


class BrokerAdminTls(BrokerAdminError):
    code = "broker.admin-tls"
    what = "No trusted TLS connection to the management interface at {address}: {detail}."
    cure = "Check ca_file and the host name against the certificate that the broker shows."


class BrokerAdminLogin(BrokerAdminError):
    code = "broker.admin-login"
    what = "The management interface at {address} does not accept {user} as administrator."
    cure = "Check the management user's password file, and that the user has the tag administrator."


class BrokerAdminRefused(BrokerAdminError):
    code = "broker.admin-refused"
    what = "The management interface answered {status} to {request}: {detail}."
    cure = "Compare the broker's version with the supported ones (3.10 to 4.x)."


class BrokerDiffers(BrokerAdminError):
    code = "broker.differs"
    what = "The broker differs from the directory and the grants in {changes} places."
    cure = "The hub corrects it within 30 s; if it stays, see who else changes the broker."


class PrivateBrokerMissing(BusError):
    code = "broker.missing"
    what = "RabbitMQ is not installed on this machine: there is no {program}."
    cure = "Install it: apt-get install rabbitmq-server."


class PrivateBrokerFailed(BusError):
    code = "broker.start"
    what = "The private broker {name} does not come up: {detail}"
    cure = "Mend what the end of its log names, then start again."


# --- store --------------------------------------------------------------------------------------


class StoreError(OrtooError):
    code = "store"
    fault = Fault.OPERATOR
    what = "The station's store cannot be used: {detail}."
    cure = "Look at doctor."


class StorePlane(StoreError):
    code = "store.plane"
    what = "The store {path} belongs to {party} on the {found} plane."
    cure = "A process serves one plane: point folder to this plane's own."


class StoreFull(StoreError):
    code = "store.full"
    what = "The disk of {path} is full: nothing was half written, and work waits."
    cure = "Free space; it goes on by itself."


class StoreLow(StoreError):
    """A warning."""

    code = "store.low"
    what = "The disk of {path} has only {free_mb} MB left."
    cure = "Free space before it is full; then work would wait, and nothing be lost."


class StoreReadOnly(StoreError):
    code = "store.read-only"
    what = "{path} cannot be written."
    cure = "Give this service write permission on its folder."


class StoreBusy(StoreError):
    code = "store.busy"
    what = "{path} is in use by process {pid}."
    cure = "One station is one process: stop the other one first."


class StoreNewer(StoreError):
    code = "store.newer"
    what = "The store was written by a newer version ({revision})."
    cure = "Install that version again; a store is never downgraded."


class StoreMissing(StoreError):
    code = "store.missing"
    what = "There is no store in {path}."
    cure = "Run init first."


# --- backups ------------------------------------------------------------------------------------


class BackupError(OrtooError):
    code = "backup"
    fault = Fault.OPERATOR
    what = "The backup cannot be used: {detail}."
    cure = "Take another one."


class BackupUnreadable(BackupError):
    code = "backup.unreadable"
    what = "The file is no backup that this version reads: {detail}."
    cure = "Check which file it is; a backup of a later version needs that version."


class BackupLocked(BackupError):
    code = "backup.locked"
    what = "The backup does not open: {detail}."
    cure = "Give the passphrase, or the key file, for which it was made."


class BackupDamaged(BackupError):
    code = "backup.damaged"
    what = "The backup is not as it was made: {detail}."
    cure = "Take another copy of it, or an earlier one; nothing was restored."


class BackupTarget(BackupError):
    code = "backup.target"
    what = "{path} cannot be written: {detail}."
    cure = "Name a new file, or an empty folder, that this user may write."


class BackupSource(BackupError):
    code = "backup.source"
    what = "{path} cannot be backed up: {detail}."
    cure = "Look at doctor; the backups made before are not touched."


class BackupOld(BackupError):
    """A warning."""

    code = "backup.old"
    what = "The newest backup is {hours} hours old; one is to be made every {most} hours."
    cure = "Look at the log of the timer that makes backups, and run backup create."


# --- sources and sinks --------------------------------------------------------------------------


class DatabaseUrl(OrtooError):
    code = "database.url"
    fault = Fault.OPERATOR
    what = "The database address of {name} is not acceptable: {detail}."
    cure = "Write sqlite:////folder/file, postgresql:// or mysql://user:password@host/database."


class RowsError(OrtooError):
    code = "rows"
    fault = Fault.THEIRS
    what = "The rows of the table were refused."
    cure = "The publisher has to correct its catalog entry or its data."


class RowsSchema(RowsError):
    code = "rows.schema"
    what = "The announced table is not acceptable: {detail}."


class RowsValue(RowsError):
    code = "rows.value"
    what = "A value of {column} is not of its item's type."
    cure = "Of item type {type} it {detail}: mend the value, or the type in the catalog entry."


class RowsLength(RowsValue):
    code = "rows.length"
    what = "A value of {column} is longer than its item allows."
    cure = "It {detail}: mend the value, or widen the item in the catalog entry."


class RowsEmpty(RowsValue):
    code = "rows.empty"
    what = "{column} is part of the key and empty."
    cure = "Fill it in at the source, or choose other key items in the catalog entry."


class RowsKey(RowsError):
    code = "rows.key"
    what = "Two rows have the same key."
    cure = "Choose key items that tell all rows apart, in the catalog entry."


class RowsTooLarge(RowsError):
    code = "rows.too-large"
    what = "A row of {size_bytes} bytes is more than an item may hold ({most_bytes})."
    cure = "Leave the large item out of the table and publish it as files."


class SourceError(OrtooError):
    code = "source"
    fault = Fault.OPERATOR
    what = "The source {name} cannot be read: {detail}."
    cure = "Ask the department's database administrator; publishing goes on once it can be read."


class SourceUnreachable(SourceError):
    code = "source.unreachable"
    what = "The source {name} cannot be reached: {detail}."
    cure = "Check address, user and password; it is tried again by itself."


class SourceBusy(SourceError):
    code = "source.busy"
    what = "The source {name} is locked by others: {detail}."
    cure = "It is tried again by itself."


class SourceSettling(SourceBusy):
    code = "source.settling"
    what = "File {file} of {name} is still being written."
    cure = "It is read once nothing of it has changed for {settle_s} s, or with its .ok beside it."


class SourceForbidden(SourceError):
    code = "source.forbidden"
    what = "The source {name} may not be read with this user: {detail}."
    cure = "Have the department grant SELECT on the table."


class SourceMissing(SourceError):
    code = "source.missing"
    what = "The source {name} has no table {table}."
    cure = "Correct the table's name, or have the department make it."


class SourceUndescribed(SourceError):
    code = "source.undescribed"
    what = "The source {name} does not say which columns it has."
    cure = "Write the items down by hand."


class SourceColumns(SourceError):
    code = "source.columns"
    what = "Table {table} of {name} lacks these columns of the catalog entry: {columns}."
    cure = "Correct the items of the entry, or have the department add the columns."


class SourceFolder(SourceUnreachable):
    code = "source.folder"
    what = "The folder {path} cannot be read: {detail}."
    cure = (
        "Check that it is mounted and that this service may read it; it is tried again by itself."
    )


class SourceSpool(SourceError):
    code = "source.spool"
    what = "File {file} cannot be copied into {path} before it is read: {detail}."
    cure = "Free space there; nothing of it was published, and it is read again."


class SourceParquet(SourceError):
    code = "source.parquet"
    what = "Parquet files cannot be read or written here: pyarrow is not installed."
    cure = "Install it: pip install 'ortoo[parquet]'."


class SourceFile(SourceError):
    """One file cannot be used; the others of its folder go on."""

    code = "source.file"
    what = "File {file} of {name} cannot be used: {detail}."
    cure = "Correct the file and put it there again; nothing of it is published until then."


class SourceFileEncoding(SourceFile):
    code = "source.file-encoding"
    what = "File {file} of {name} is not text in {encoding}: byte {place} does not fit."
    cure = "Save it as UTF-8 or GB18030, or name its encoding in [[folders.files]]."


class SourceFileColumns(SourceFile):
    code = "source.file-columns"
    what = "The header of file {file} of {name} lacks: {columns}."
    cure = "Write the items' names or columns into the header, or correct the catalog entry."


class SourceFileTwice(SourceFile):
    code = "source.file-twice"
    what = "The header of file {file} of {name} names {columns} twice."
    cure = "Leave one of them; which one counts cannot be guessed."


class SourceFileSize(SourceFile):
    code = "source.file-size"
    what = "File {file} of {name} unpacks to more than {limit_mb} MB."
    cure = "Split it, or deliver it as CSV."


class SourceFileLine(SourceFile):
    code = "source.file-line"
    what = "File {file} of {name} cannot be read from line {line} on: {detail}."


class SourceRow(SourceError):
    """A row is set aside; the others of its file go on."""

    code = "source.row"
    what = "Line {line} of {file} cannot be read: {detail}."
    cure = "Correct it and put the file there again."


class SourceRowWidth(SourceRow):
    code = "source.row-width"
    what = "Line {line} of {file} has {found} fields, its header has {wanted}."


class SourceRowOp(SourceRow):
    code = "source.row-op"
    what = "Line {line} of {file} says in {column} neither that it stands nor that it is deleted."
    cure = "Write U or D there, or leave it empty; the README lists the words."


class SourceRowKey(SourceRow):
    code = "source.row-key"
    what = "Line {line} of {file} deletes, but its key cannot be read: {column}."


class SourceRowFormula(SourceRow):
    code = "source.row-formula"
    what = "Cell {cell} of {file} holds a formula without a stored value."
    cure = "Open the file in a spreadsheet program, let it calculate, and save it."


class SourceRowCell(SourceRow):
    code = "source.row-cell"
    what = "Cell {cell} of {file} shows the error {shown}."
    cure = "Correct the formula behind it, and save the file again."


class SourceRowDigits(SourceRow):
    code = "source.row-digits"
    what = "Cell {cell} of {file} keeps a code as a number of more than 15 digits: it was rounded."
    cure = "Format the column as text and enter the codes anew."


class SourceWatermark(SourceError):
    code = "source.watermark"
    what = "Column {column} of table {table} of {name} holds neither moments nor numbers."
    cure = "Name a column that rises with every change, or have the whole table compared."


class SourceUnprepared(SourceError):
    code = "source.unprepared"
    what = "Changes of table {table} of {name} are not captured by {how}: {detail}."
    cure = "Run source prepare, or choose another way with publication set."


class SourceShared(SourceError):
    code = "source.shared"
    what = "Changes of table {table} of {name} go to {resource} already; {how} serves one resource."
    cure = "Choose watermark or whole for this resource with publication set."


class SourceDecoding(SourceError):
    code = "source.decoding"
    what = "What the database's log says cannot be read: {detail}."
    cure = "Have the whole table compared meanwhile (publication set), and report this."


class SourceCall(SourceError):
    code = "source.call"
    what = "The function {name} of the settings cannot be used as a source: {detail}."
    cure = "Correct the function or its entry in the settings; publishing goes on by itself."


class PublicationOption(OrtooError):
    code = "publication.option"
    fault = Fault.OPERATOR
    what = "Option {option} of the publication is not acceptable: {detail}."
    cure = "See publication set --help, and source check for what the table allows."


class SinkError(OrtooError):
    """`stops`: trying again is in vain until a person has mended something and says so."""

    stops: ClassVar[bool] = False
    code = "sink"
    fault = Fault.OPERATOR
    what = "Table {table} of {name} cannot be written: {detail}."
    cure = "Ask the department's database administrator; nothing is lost meanwhile."


class SinkUnavailable(SinkError):
    """May pass by itself: wait and try again; after the fact `retry_s` if there is one."""

    code = "sink.unavailable"


class SinkUnreachable(SinkUnavailable):
    code = "sink.unreachable"
    what = "The sink {name} cannot be reached: {detail}."
    cure = "Check address, user and password; it is tried again by itself."


class SinkBusy(SinkUnavailable):
    code = "sink.busy"
    what = "Table {table} of {name} is locked by others: {detail}."
    cure = "It is tried again by itself; if it stays, find who holds the lock."


class SinkFolder(SinkUnreachable):
    code = "sink.folder"
    what = "The folder {path} cannot be written: {detail}."
    cure = "Check that it is mounted and there; nothing is lost, and it goes on by itself."


class SinkWaiting(SinkBusy):
    code = "sink.waiting"
    what = "{count} files of {table} in {name} wait to be taken away."
    cure = "Let the department's program take them; it goes on by itself."


class SinkFetching(SinkBusy):
    code = "sink.fetching"
    what = "{count} files for {table} in {name} are still on their way."
    cure = "Nothing: it goes on by itself; file transfers shows how far they are."


class SinkParquet(SinkError):
    code = "sink.parquet"
    what = "Parquet files cannot be read or written here: pyarrow is not installed."
    cure = "Install it: pip install 'ortoo[parquet]'."


class SinkFull(SinkUnavailable):
    code = "sink.full"
    what = "The sink {name} is full: {detail}."
    cure = "Free space; nothing was half written, and it goes on by itself."


class SinkContents(SinkUnavailable):
    code = "sink.contents"
    what = "The contents of {file} are not here yet: {detail}."
    cure = "Rows wait for them; it is tried again. See: ortoo-node file transfers."


class SinkForbidden(SinkError):
    code = "sink.forbidden"
    what = "This user may not write table {table} of {name}: {detail}."
    cure = "Have the department grant it, or make the table for this user."


class SinkMismatch(SinkError):
    code = "sink.mismatch"
    stops = True
    what = "Table {table} of {name} does not fit what is announced: {detail}."
    cure = "Alter or rename that table, or subscribe into another one."


class SinkValue(SinkError):
    code = "sink.value"
    what = "Table {table} of {name} cannot hold a value as it came: {detail}."
    cure = "Widen that column; applying goes on from there."


class SinkConstraint(SinkError):
    code = "sink.constraint"
    what = "A constraint of table {table} of {name} refuses a row: {detail}."
    cure = "Drop the constraint, or subscribe into a table without it."


class SinkTaken(SinkError):
    code = "sink.taken"
    what = "Table {table} of {name} is filled by {owner} already."
    cure = "Subscribe into another table, or end that subscription first."


class SinkMoved(SinkError):
    code = "sink.moved"
    fault = Fault.OURS
    what = "The cursor of {feed} in {name} is not where it was left."
    cure = "It is read again by itself; if this repeats, two stations write one table."


class SinkPullFull(SinkUnavailable):
    code = "sink.pull-full"
    what = "What waits in {name} to be fetched is at its bound: {detail}."
    cure = "Have the department's program fetch it, or raise the bound; it goes on by itself."


class SinkWebhookFailed(SinkUnavailable):
    code = "sink.webhook"
    what = "The program behind {name} did not take what was posted: {detail}."
    cure = "The same is posted again, less and less often; see that the program runs."


class SinkWebhookRefused(SinkError):
    code = "sink.webhook-refused"
    what = "The program behind {name} refuses what is posted: {detail}."
    cure = "Have its makers look at the answer. It is tried again every few minutes."


class SinkWebhookGone(SinkError):
    code = "sink.webhook-gone"
    what = "The program behind {name} says that it is gone for good (410)."
    cure = "Correct the webhook's address, then subscription resume."
    stops = True


class SinkBehind(SinkError):
    code = "sink.behind"
    what = "The sink of {feed} lacks rows that are not held here any more."
    cure = "A snapshot is asked for by itself."


# --- subscriptions ------------------------------------------------------------------------------


class SubscriptionError(OrtooError):
    code = "subscription"
    fault = Fault.OPERATOR
    what = "The subscription cannot do that."
    cure = "Look at subscription show."


class SubscriptionUnknown(SubscriptionError):
    code = "subscription.unknown"
    what = "There is no subscription {subscription}."
    cure = "subscription list shows them; a part of the number will do if only one begins with it."


class SubscriptionState(SubscriptionError):
    code = "subscription.state"
    what = "Subscription {subscription} is {state}."
    cure = "Only one that reads can be told this."


class SubscriptionReread(SubscriptionError):
    code = "subscription.reread"
    what = "Items of {feed} can be read again from {first} to {last}, not from {asked}."
    cure = "Choose a number in that range, or take a snapshot: subscription resync."


class SubscriptionNothing(SubscriptionError):
    code = "subscription.nothing"
    what = "No item of {feed} can be read again: all that is here came as a snapshot."
    cure = "For a new snapshot: subscription resync."


class SubscriptionRetention(SubscriptionError):
    code = "subscription.retention"
    what = "The publisher of {feed} no longer keeps the items from {first} on: {detail}."
    cure = "Nothing was changed and reading went on. For a snapshot: subscription resync."


class SubscriptionLetGo(SubscriptionError):
    """A notice."""

    code = "subscription.let-go"
    what = "While it was paused more came than is held here for it ({size_mb} MB)."
    cure = "resume takes a snapshot."


# --- people's accounts --------------------------------------------------------------------------


class AccountError(OrtooError):
    code = "account"
    fault = Fault.OPERATOR
    what = "The account does not allow this."
    cure = "Ask the security administrator of this platform."


class AccountRefused(AccountError):
    """One error for a wrong name, password and code, and for an account that is no longer used."""

    code = "account.refused"
    what = "Name, password or code is not right."
    cure = "Try again; for a new password ask the security administrator for a link."


class AccountLocked(AccountError):
    """`until_ms`: when the next attempt is allowed."""

    code = "account.locked"
    what = "Too many attempts have failed."
    cure = "Wait until the time shown, or ask the security administrator to take the lock off."


class AccountCodeNeeded(AccountError):
    code = "account.code-needed"
    what = "This account has a second factor: its code is needed too."
    cure = "Log in with name, password and the code that the device shows, or a recovery code."


class AccountBusy(AccountError):
    code = "account.busy"
    what = "Too many people log in at this moment."
    cure = "Try again in a few seconds."


class AccountLink(AccountError):
    code = "account.link"
    what = "The link is unknown, was used, or has expired."
    cure = "Ask whoever sent it for a new one; each works once."


class AccountName(AccountError):
    code = "account.name"
    what = "{name} cannot be the name of an account."
    cure = "Letters, digits and . _ - @, 64 at most, beginning and ending with a letter or digit."


class AccountTaken(AccountError):
    code = "account.taken"
    what = "There is an account {name} already."
    cure = "Choose another name."


class AccountPerson(AccountError):
    code = "account.person"
    what = "{person} cannot be the person of this account: {detail}."
    cure = "One person has one account; tell people of one name apart: 张三(信息科)."


class AccountPassword(AccountError):
    """`least`: characters that a password must have."""

    code = "account.password"
    what = "The password is not acceptable: {detail}."
    cure = "Choose {least} characters or more that nobody can guess from what is known of you."


class AccountRole(AccountError):
    code = "account.role"
    what = "{name} is no role of this platform."
    cure = "account roles without roles lists them."


class AccountRolesApart(AccountError):
    code = "account.roles-apart"
    what = "One account cannot have the roles {role} and {other_role}."
    cure = "The three administrators are three persons (三员分立): give one of these to another."


class AccountForbidden(AccountError):
    code = "account.forbidden"
    what = "Your roles do not allow this ({needed})."
    cure = "Ask the security administrator for the role, or a colleague who has it."


class AccountOwn(AccountError):
    code = "account.own"
    what = "Nobody changes the roles or the standing of the own account."
    cure = "Another administrator has to do it."


class AccountFactorNeeded(AccountError):
    code = "account.factor-needed"
    what = "Your roles demand a second factor, and it is not set up yet."
    cure = "Set it up first: it takes a minute and a telephone or a token."


class AccountUnknown(AccountError):
    code = "account.unknown"
    what = "There is no account {name}."
    cure = "account list shows them."


class AccountUnified(AccountError):
    """`detail`: what was not as it must be; for the log and for whoever runs the provider."""

    code = "account.unified"
    what = "The unified login did not go through ({detail})."
    cure = "Begin again; if that does not help, log in with name and password, and say so."


class AccountUnbound(AccountError):
    """`subject`: who it is at the unified login."""

    code = "account.unbound"
    what = "No account here belongs to your unified identity."
    cure = "The security administrator can bind it: account bind NAME '{subject}'."


class AccountAct(AccountError):
    code = "account.act"
    what = "The records of acts do not agree with the journal: {detail}."
    cure = "Somebody changed the store with other means: find out who, and keep a copy."


# --- the programming interface ------------------------------------------------------------------


class ApiError(OrtooError):
    code = "api"
    fault = Fault.THEIRS
    what = "The request is not acceptable."
    cure = "Correct the program that sent it; node/README.md describes the interface."


class ApiToken(ApiError):
    code = "api.token"
    what = "The token is missing, unknown, revoked or has expired."
    cure = "Ask the station's administrator for one: ortoo-node token new."


class ApiScope(ApiError):
    code = "api.scope"
    what = "This token does not open {wanted}."
    cure = "Ask the station's administrator for a token of that scope."


class ApiPath(ApiError):
    code = "api.path"
    what = "There is nothing at {path}."


class ApiMethod(ApiError):
    code = "api.method"
    what = "{path} does not answer {method}."


class ApiBody(ApiError):
    code = "api.body"
    what = "The body cannot be read: {detail}. Nothing was done with it."


class ApiBodyType(ApiError):
    code = "api.body-type"
    what = "The body must be application/json or application/x-ndjson."


class ApiTooLarge(ApiError):
    code = "api.too-large"
    what = "The request is larger than allowed: {detail}."
    cure = "Send it in several requests."


class ApiIdempotency(ApiError):
    code = "api.idempotency-key"
    what = "This Idempotency-Key was used for another request, or is none: {detail}."
    cure = "A new request needs a new key; a repeated one the very same body."


class ApiUnderWay(ApiError):
    code = "api.under-way"
    what = "The request with this Idempotency-Key is still at work."
    cure = "Ask again in a few seconds, with the same key."


class ApiFeedKind(ApiError):
    code = "api.feed-kind"
    what = "Resource {resource} is published as {kind}."
    cure = "Rows go to its address .../rows, events to .../events; a resource takes one of them."


class ApiRow(ApiError):
    """The reason of one row."""

    code = "api.row"
    what = "The row cannot be read: {detail}."


class ApiCursor(ApiError):
    code = "api.cursor"
    what = "The cursor was not given out for this subscription."
    cure = "Begin without a cursor: what was not fetched yet comes again."


class ApiCursorPassed(ApiError):
    code = "api.cursor-passed"
    what = "What follows this cursor was fetched and confirmed, and is not kept any more."
    cure = "Go on with the newest cursor, or without one. To get all anew: subscription resync."


class ApiPull(ApiError):
    code = "api.pull"
    what = "Subscription {subscription} is not one to fetch from: it goes to {sink}."
    cure = "Fetch from a subscription whose sink is one of [[pulls]]."


class ApiQuery(ApiError):
    code = "api.query"
    what = "The parameter {name} must be {expected}."


class ApiField(ApiError):
    code = "api.field"
    what = "What {field} says is not acceptable: {detail}."
    cure = "Correct it; /api/v1/openapi.json says what each field holds."


class ApiRate(ApiError):
    code = "api.rate"
    what = "This token asks too often."
    cure = "Go on in {after_s} s; Retry-After says so too. The administrator sets the rate."


class ApiSlow(ApiError):
    code = "api.slow"
    what = "The body comes too slowly."
    cure = "Send it again, in smaller parts or over a better line. Nothing of it was taken."


class ApiMatch(ApiError):
    code = "api.match"
    what = "It was changed since it was read."
    cure = "Read it again, put the change to what stands there now, and send that with its ETag."


class ApiMatchLacking(ApiError):
    code = "api.match-lacking"
    what = "The request does not say which version it changes."
    cure = "Send the ETag that came with it as If-Match."


class ApiOutcome(ApiError):
    code = "api.outcome"
    what = "The station ended while a request with this Idempotency-Key was at work."
    cure = "Look whether it was done; if not, send it with a new key."


class ApiRange(ApiError):
    code = "api.range"
    what = "The range is not one of this content."
    cure = "Ask without Range for the whole, or from the byte on that is lacking."


class ApiNotYet(ApiError):
    code = "api.not-yet"
    what = "The content is not here yet: {state}."
    cure = "Ask again in a few seconds; the transfer says how far it is."


class ApiFile(ApiError):
    code = "api.file"
    what = "The file cannot be published: {detail}."
    cure = "Correct its name, or ask the station's administrator to publish from a folder."


class TokenUnknown(ApiError):
    code = "token.unknown"
    fault = Fault.OPERATOR
    what = "There is no token {token}."
    cure = "token list shows them."


class TokenScope(ApiError):
    code = "token.scope"
    fault = Fault.OPERATOR
    what = "{scope} is no scope for a program of {department}: {detail}."
    cure = "node/README.md lists the scopes; push and pull are for what is its own."


# --- queries ------------------------------------------------------------------------------------


class QueryError(OrtooError):
    """`detail` says the rest: a refusal carries code and detail from one station to the other."""

    code = "query"
    fault = Fault.OPERATOR
    what = "The query was not answered: {detail}."
    cure = "The provider's people can say more; name the number of the ask."


class QueryDeclaration(QueryError):
    code = "query.declaration"
    what = "The declared query is not acceptable: {detail}."
    cure = "Correct its file and declare it again; the one in force stays."


class QueryUnknown(QueryError):
    code = "query.unknown"
    what = "There is no such query: {detail}."
    cure = "query list shows those that may be asked under a grant."


class QueryMode(QueryError):
    code = "query.mode"
    what = "The grant is not for this mode of sharing: {detail}."
    cure = (
        "Apply with the mode that you need: 在线查询 to query, 批量下载 to download, "
        "系统对接 to subscribe."
    )


class QueryScope(QueryError):
    code = "query.scope"
    what = "The grant's scope does not fit this query: {detail}."
    cure = "Ask what the grant covers, or apply for the items that are missing."


class QueryPurpose(QueryError):
    code = "query.purpose"
    what = "The purpose is not the one that was granted: {detail}."
    cure = (
        "Data serve the granted purpose only (Measures art. 20); another one needs another grant."
    )


class QueryParameter(QueryError):
    code = "query.parameter"
    what = "A parameter is not acceptable: {detail}."
    cure = "query list shows the parameters of a query."


class QueryRate(QueryError):
    code = "query.rate"
    what = "The grant's rate is used up: {detail}."
    cure = "Ask again later; for more, agree with the provider."


class QueryBusy(QueryError):
    code = "query.busy"
    what = "There is too much to answer at once: {detail}."
    cure = "Ask again in a while."


class QueryTimeout(QueryError):
    code = "query.timeout"
    what = "The query took longer than it may: {detail}."
    cure = "Ask for less, or ask the provider to make the query quicker."


class QuerySource(QueryError):
    code = "query.source"
    what = "The provider could not read its source: {detail}."
    cure = "The provider's people have to look at the query and at its source."


class QueryService(QueryError):
    code = "query.service"
    what = "The provider's service did not answer as declared: {detail}."
    cure = "The provider's people have to look at the service and at the query."


class QueryGone(QueryError):
    code = "query.gone"
    what = "The answer is no longer kept: {detail}."
    cure = "Ask again."


class QueryReused(QueryError):
    code = "query.reused"
    fault = Fault.THEIRS
    what = "An ask came with the number of another one: {detail}."
    cure = "Each ask has a number of its own."


class QuerySilent(QueryError):
    code = "query.silent"
    what = "{provider} did not answer within {timeout_s} s."
    cure = "It is down, or away from the broker: ask again later, or call its people."


class QueryUnlinked(QueryError):
    code = "query.unlinked"
    what = "This station has no link to the broker: the query has not left."
    cure = "Look at doctor, and ask again once it is linked."


class QueryAnswer(QueryError):
    code = "query.answer"
    fault = Fault.THEIRS
    what = "What came is no answer to this ask: {detail}."
    cure = "Tell the provider's people."


# --- settings -----------------------------------------------------------------------------------

# --- files --------------------------------------------------------------------------------------


class FileError(OrtooError):
    code = "file"
    fault = Fault.OPERATOR
    what = "The file {file} does not come: {detail}."
    cure = "See what its provider's station says of it."


class FileUnknown(FileError):
    code = "file.unknown"
    what = "{feed} has no file {file} of this content."
    cure = "List its files: they may have changed."


class FileNone(FileError):
    code = "file.none"
    what = "{resource} is no resource of files."
    cure = "Order its rows as a file: file get RESOURCE --as csv. Or subscribe to it."


class FileChanged(FileError):
    code = "file.changed"
    what = "The file {file} is no longer what was published."
    cure = "Its provider has to publish again; then fetch the new one."


class FileGone(FileError):
    code = "file.gone"
    what = "The file {file} cannot be read at its provider: {detail}."
    cure = "Its provider has to put it back or publish again."


class FileName(FileError):
    code = "file.name"
    what = "The file name {file} is not acceptable: {detail}."
    cure = "Rename the file at its provider and publish again."


class FileUnfit(FileError):
    code = "file.unfit"
    fault = Fault.THEIRS
    what = "What came for the file {file} is not what was asked for: {detail}."
    cure = "It was set aside; the right bytes are asked for again."


class FileHash(FileError):
    code = "file.hash"
    fault = Fault.THEIRS
    what = "The file {file} came whole, and is not the one that was published."
    cure = "It was thrown away. Ask its provider to publish it again."


class FileDiskFull(FileError):
    code = "file.disk-full"
    what = "There is no room for {file} in {path}."
    cure = "Free space there; it goes on by itself from where it is."


class FileTarget(FileError):
    code = "file.target"
    what = "{path} cannot be written: {detail}."
    cure = "Name a place that the user of this service may write."


class FileTaken(FileError):
    code = "file.taken"
    what = "{path} is there already."
    cure = "Name another place, or take it away first."


class FileNotHere(FileError):
    code = "file.not-here"
    what = "{file} cannot be saved from here: {detail}."
    cure = "Fetch it, or wait until it has come; what was moved or changed is fetched again."


class FileForm(FileError):
    code = "file.form"
    what = "The table cannot be made a file of this form: {detail}."
    cure = "Order another form: csv takes every table."


class FileNoTable(FileError):
    code = "file.no-table"
    what = "This resource cannot be ordered as one file: {detail}."
    cure = "Only tables can; file list shows files, and events are subscribed to."


class FileOrders(FileError):
    code = "file.orders"
    what = "As many files are being made under this grant as may be: {detail}."
    cure = "Wait until one of them is there: file orders lists them."


class FileOrderUnknown(FileError):
    code = "file.order-unknown"
    what = "There is no order {order}."
    cure = "file orders lists them."


class FileTransferUnknown(FileError):
    code = "file.transfer-unknown"
    what = "There is no transfer {transfer}."
    cure = "file transfers lists them."


# --- quality ------------------------------------------------------------------------------------


class QualityError(OrtooError):
    """What a row fails names the column and never the value: rows may be personal data."""

    code = "quality"
    fault = Fault.OPERATOR
    what = "The data do not pass a rule."
    cure = "Have the department correct the data; the next publication takes the row along."


class QualityRequired(QualityError):
    code = "quality.required"
    what = "{column} is empty."


class QualityUnique(QualityError):
    code = "quality.unique"
    what = "{column} has a value that another row has too."


class QualityLength(QualityError):
    code = "quality.length"
    what = "{column} is too short or too long."


class QualityCodes(QualityError):
    code = "quality.codes"
    what = "{column} is none of the codes on its list."


class QualityIdCard(QualityError):
    code = "quality.id-card"
    what = "{column} is no identity card number (place, day of birth or check digit)."


class QualityCreditCode(QualityError):
    code = "quality.credit-code"
    what = "{column} is no unified social credit code (form or check digit)."


class QualityRange(QualityError):
    code = "quality.range"
    what = "{column} is outside its range."


class QualityPattern(QualityError):
    code = "quality.pattern"
    what = "{column} does not have its form."


class QualityReference(QualityError):
    code = "quality.reference"
    what = "{column} names something that is not in the table it refers to."


class QualityRule(QualityError):
    code = "quality.rule"
    what = "The rule {rule} is not acceptable: {detail}."
    cure = "Correct the file of rules; what was in force stays in force."


class QualityLacking(QualityError):
    code = "quality.lacking"
    what = "There is no {thing} for {resource} yet."
    cure = "Rules: quality rules put FILE. A report: quality check RESOURCE."


class TaskUnknown(QualityError):
    code = "task.unknown"
    what = "No rectification task {task} is known here."
    cure = "List them: task list --all."


class TaskMove(QualityError):
    code = "task.move"
    what = "A task that is {state} cannot be moved by {event}."
    cure = "See task list --all for its present state."


class TaskReason(QualityError):
    code = "task.reason"
    what = "Answering or closing a task needs a name and a reason."
    cure = "Say who and why: --by, --reason."


# --- supervision --------------------------------------------------------------------------------


class SupervisionError(OrtooError):
    code = "supervision"
    fault = Fault.OPERATOR
    what = "The supervision's affair does not go on: {detail}."
    cure = "Correct what is named."


class SupervisionUnknown(SupervisionError):
    code = "supervision.unknown"
    what = "There is no {document} {id} here."
    cure = "List those that there are: supervise leads, notice list, report list."


class SupervisionMove(SupervisionError):
    code = "supervision.move"
    what = "A {document} that is {state} cannot be moved on by {event}."
    cure = "Look at where it stands now; the table of moves is in SPEC.md."


class SupervisionReason(SupervisionError):
    code = "supervision.reason"
    what = "{event} needs a name and a text that says why."
    cure = "Say who and why."


class SupervisionField(SupervisionError):
    code = "supervision.field"
    what = "{field} is not acceptable: {detail}."


class SupervisionOrder(SupervisionError):
    code = "supervision.order"
    what = "Another move came first: move {found} was sent, move {expected} is next."
    cure = "Look at where the notice stands now, and answer that."


class SupervisionSubject(SupervisionError):
    code = "supervision.subject"
    what = "{subject} is not supervised by {authority}."
    cure = "Departments are their own station's, leagues the hub's (本级)."


class SupervisionStandard(SupervisionError):
    code = "supervision.standard"
    what = "The standard of evaluation is not acceptable at {subject}: {detail}."
    cure = "supervise standard show prints one to start from."


class SupervisionPeople(SupervisionError):
    code = "supervision.people"
    what = "{detail} is for people to say, not for a rule."
    cure = "Enter it with supervise enter, or confirm a lead and say so."


class SupervisionLate(SupervisionError):
    code = "supervision.late"
    what = "{document} {id} of {subject} was to be answered by {day}."
    cure = "Who has to answer does so; the authority chases or escalates: report chase, notice."


class SupervisionWaiting(SupervisionError):
    code = "supervision.waiting"
    what = "{count} wait for a decision of the authority ({document}), the oldest since {day}."
    cure = "Decide: supervise leads, notice list, report list."


class SettingsError(OrtooError):
    code = "settings"
    fault = Fault.OPERATOR
    what = "The settings file {path} is not acceptable: {detail}."
    cure = "Correct the named line."


class SettingsDocument(SettingsError):
    code = "settings.document"
    what = "The file {path} cannot be used: {detail}."
    cure = "Check its name, its folder and who may read it."


class SettingsMissing(SettingsError):
    code = "settings.missing"
    what = "There is no settings file {path}."
    cure = "Run init, or name the file with --config."


class SettingsUnknown(SettingsError):
    code = "settings.unknown"
    what = "{place}: there is no setting {key}."
    cure = "Remove it or correct its spelling; the README lists every setting."


class SettingsLacking(SettingsError):
    code = "settings.lacking"
    what = "{place}: the setting {key} is missing."
    cure = (
        "Add it; the README lists every setting. At a station enrol accept adds the broker, "
        "at a hub its administrator does."
    )


class SettingsValue(SettingsError):
    code = "settings.value"
    what = "{place}: {key} is not acceptable: {detail}."


class SettingsType(SettingsError):
    code = "settings.type"
    what = "{place}: {key} must be of type {expected}, not {found}."


class SettingsSecret(SettingsError):
    code = "settings.secret"
    what = "The secret file {path} cannot be used: {detail}."
    cure = (
        "It must be a file of this service's user with mode 0600 (chmod 600) that holds one line."
    )


class HttpListen(SettingsError):
    code = "http.listen"
    what = "The programming interface cannot listen on {address}: {detail}."
    cure = "Choose another address or port in [http], or end the program that holds it."


class HttpTls(SettingsError):
    code = "http.tls"
    what = "The certificate of the programming interface cannot be used: {detail}."
    cure = "cert_file holds the certificate and its chain as PEM, key_file its private key."


class ConsoleListen(SettingsError):
    code = "console.listen"
    what = "The console cannot listen on {address}: {detail}."
    cure = "Choose another address or port in [console], or end the program that holds it."


class ConsoleTls(SettingsError):
    code = "console.tls"
    what = "The certificate of the console cannot be used: {detail}."
    cure = "cert_file holds the certificate and its chain as PEM, key_file its private key."


class SettingsExists(SettingsError):
    code = "settings.exists"
    what = "{path} is already there."
    cure = "Nothing was changed. Choose another folder, or use what is there."


# --- consoles -----------------------------------------------------------------------------------


class ConsoleError(OrtooError):
    code = "console"
    fault = Fault.OPERATOR
    what = "The console cannot do this: {detail}."


class ConsoleForbidden(ConsoleError):
    code = "console.forbidden"
    what = "Your account has no role for this."
    cure = "Ask the security admin (安全保密管理员) for the role, or somebody who has it to do it."


class ConsoleForm(ConsoleError):
    code = "console.form"
    what = "This form belongs to another session."
    cure = "Nothing was changed. Look through the form and send it again."


class ConsoleUnknown(ConsoleError):
    code = "console.unknown"
    what = "There is no page {path} here."
    cure = "Perhaps what it showed is no more, or the address has a slip. Begin at the first page."


class ConsoleAsked(ConsoleError):
    code = "console.asked"
    what = "The address or the form says something that this page does not take: {detail}."
    cure = "Nothing was changed. Go back, or begin at the first page."


class ConsoleBusy(ConsoleError):
    code = "console.busy"
    what = "Too many pages are open that update by themselves."
    cure = "Close some of them."


class ConsoleDefect(ConsoleError):
    code = "console.defect"
    what = "This page failed."
    cure = "Nothing is known to be lost. Tell the system admin {correlation}: the log has it."


# --- the running service and the socket to it ---------------------------------------------------


class DaemonError(OrtooError):
    code = "daemon"
    fault = Fault.OPERATOR
    what = "The service cannot be asked: {detail}."
    cure = "Look at its log."


class DaemonUnreachable(DaemonError):
    code = "daemon.unreachable"
    what = "The service of {folder} does not run."
    cure = "Start it with run."


class DaemonForbidden(DaemonError):
    code = "daemon.forbidden"
    what = "The service does not listen to user {uid}."
    cure = "Use the user that the service runs as, or root."


class DaemonRequest(DaemonError):
    code = "daemon.request"
    what = "The service does not understand the request: {detail}."
    cure = "Use the command line tool of the same version as the service."


class DaemonSilent(DaemonError):
    code = "daemon.silent"
    what = "The service did not answer {method} within {timeout_s} s."
    cure = "It may still be at work: look at status before asking again."


class DaemonBroken(DaemonError):
    code = "daemon.broken"
    fault = Fault.OURS
    what = "The service broke off while it answered {method}."
    cure = "Its log holds the reason: report it."


class RemoteError(DaemonError):
    """An error whose class this program does not have: it came from another version."""

    code = "daemon.remote"
    what = "{remote_code}: {said}"
    cure = "{advice}"
