"""What `/metrics` tells: the store, the cloud, buses, contacts, the LAN, the loop, the history."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway import alarm_view
from gateway.equipment import Equipment
from gateway.lag import LagProbe
from gateway.notify.notifying import Notifying
from gateway.notify.sms import Sms
from gateway.notify.subscribing import Subscribing
from gateway.store.history import History
from gateway.store.log import Counters
from gateway.web.status_shapes import Metric
from rules.order import IN_FLIGHT, OrderState

if TYPE_CHECKING:
    from gateway.app import Gateway

if TYPE_CHECKING:
    from gateway.app import Gateway


def everything(gateway: "Gateway") -> Iterator[Metric]:
    """All figures there are just now."""
    yield from _of_store(gateway)
    yield from _of_cloud(gateway)
    yield from of_devices(gateway.fitout.equipment)
    yield from of_sites(gateway.fitout.equipment)
    yield from of_loop(gateway.lag)
    yield from alarm_view.metrics(gateway)
    yield from of_notifications(gateway.notifying, gateway.store.log.counters)
    yield from of_browsers(gateway.subscribing)
    yield from of_orders(gateway)
    for name, restarts in gateway.supervision.restarts.items():
        yield _count("task_restarts", "Tasks started again after a bug.", restarts, task=name)


def _of_store(gateway: "Gateway") -> Iterator[Metric]:
    log = gateway.store.log.counters
    yield _gauge("epoch", "Starts of this installation.", gateway.store.identity.epoch)
    yield _count("readings", "Readings published since the start.", gateway.hub.published)
    yield _count("judged", "Events judged since the start.", gateway.judging.steps)
    yield _count("commits", "Transactions committed.", log.commits)
    yield _count("commit_failures", "Transactions the disk refused.", log.failures)
    yield _count("stored_rows", "Rows committed.", log.rows)
    yield _count("stored_readings", "Readings committed.", log.readings)
    yield _count(
        "dropped_readings", "Readings dropped while the disk refused.", log.dropped_readings
    )
    yield _count("dropped_events", "Events dropped while the disk refused.", log.dropped_events)
    removed = gateway.store.space.removed_rows
    yield _count("removed_rows", "Rows removed to keep the budget.", removed)
    lost = gateway.store.space.lost_rows
    yield _count("budget_lost_rows", "Of them, rows the cloud never had.", lost)
    yield _count("dropped_inputs", "Inputs of judging dropped likewise.", log.dropped_inputs)
    yield _count("audit_entries", "Entries of the audit chain committed.", log.audit)
    yield _count("dropped_audit", "Of them, dropped while the disk refused.", log.dropped_audit)
    yield _count("audit_checkpoints", "Checkpoints signed.", gateway.audit.checkpoints)
    if gateway.history is not None:
        yield from of_history(gateway.history)


def _of_cloud(gateway: "Gateway") -> Iterator[Metric]:
    outbox = gateway.outbox
    yield _gauge("outbox_rows", "Rows the cloud has not acknowledged.", outbox.waiting())
    yield _gauge("outbox_window", "Messages that may wait for their ack.", outbox.window)
    yield _gauge("outbox_lost_rows", "Rows that can never reach the cloud.", outbox.lost_rows())
    yield _gauge("outbox_held_rows", "Rows too large for this broker.", outbox.held_rows())
    yield _gauge("outbox_batch", "Rows of an outage in one message.", outbox.batch.rows)
    yield _count("outbox_foreign_acks", "Acks of rows that were not sent.", outbox.foreign)
    if gateway.uplink is None:
        return
    sent = gateway.uplink.counters
    yield _gauge("cloud_connected", "1 while linked.", float(gateway.uplink.connected))
    yield _count("cloud_connects", "Connections made.", sent.connects)
    yield _count("cloud_messages", "Messages sent.", sent.messages)
    yield _count("cloud_rows", "Rows sent, resent ones included.", sent.rows)
    yield _count("cloud_bytes", "Bytes of payload sent.", sent.bytes)
    yield _count("cloud_resent", "Messages given up and sent again.", sent.resent)
    yield _count("cloud_acknowledged", "Rows acknowledged.", sent.acknowledged)
    yield _count("cloud_refused", "Messages from the cloud refused.", sent.refused)
    yield _count("cloud_lost_rows", "Rows no longer in the log, or too large.", sent.lost_rows)
    yield _count("cloud_rejected", "Messages the broker refused.", sent.rejected)
    yield _count("cloud_unheard", "Messages nobody had subscribed to.", sent.unheard)
    yield _count("cloud_oversized", "Messages from the cloud too large.", sent.oversized)


def of_devices(equipment: Equipment) -> Iterator[Metric]:
    """How often each step was taken, by device and by bus; and what debouncing has spared."""
    states = equipment.states.values()
    for state in states:
        yield _count("device_reads", "Reads and messages heard.", state.reads, device=state.id)
    for state in states:
        yield _count("device_failures", "Reads that failed.", state.failures, device=state.id)
    for state in states:
        text = "Edges that came too fast to be readings of their own."
        yield _count("device_coalesced_edges", text, state.coalesced, device=state.id)
    for state in states:
        text, ticks = "Ticks without a read: it hung, or the device rests.", state.skipped_ticks
        yield _count("device_skipped_ticks", text, ticks, device=state.id)
    for state in states:
        text = "Reads tried again in the same tick."
        yield _count("device_retries", text, state.retries, device=state.id)
    for state in states:
        text = "Reads with a driver made anew, which identifies its device again."
        yield _count("device_reinitialised", text, state.reinitialised, device=state.id)
    for state in states:
        text = "1 while a device is tried only now and then."
        yield _gauge("device_down", text, float(state.down), device=state.id)
    for state in states:
        text = "Bursts of edges of a contact that ended as one change, or as none."
        yield _count("device_bounces", text, state.bounces, device=state.id)
    for name, bus in equipment.ladders.items():
        text = "Times a bus on which nothing answered was opened again."
        yield _count("bus_reopened", text, bus.reopened, bus=name)


def of_sites(equipment: Equipment) -> Iterator[Metric]:
    """Of all brokers of the site together; 0 in a kitchen without one."""
    sites = list(equipment.sites.values())
    waiting = sum(site.unacknowledged for site in sites)
    yield _gauge("lan_unacknowledged", "LAN messages that wait for their commit.", waiting)
    for name, text in (
        ("connects", "Connections made to the site's brokers."),
        ("messages", "Messages heard from LAN devices."),
        ("repeated", "Of them, delivered again and not heard twice."),
        ("foreign", "Of them, on topics of nobody here."),
        ("oversized", "LAN messages too large to be looked at."),
        ("commands", "Commands published to LAN actuators."),
        ("unheard", "Of them, refused by the broker, or with nobody listening."),
        ("sessions_lost", "Times a broker forgot what it kept for us."),
    ):
        yield _count(f"lan_{name}", text, sum(getattr(site.counters, name) for site in sites))


def of_orders(gateway: "Gateway") -> Iterator[Metric]:
    """What actuators did not do, and what has become of orders since the start."""
    for name, actuator in gateway.fitout.effects.actuators.items():
        text = "Times an output was not as wanted and was corrected."
        yield _count("actuator_mismatches", text, actuator.mismatches, actuator=name)
    orders, remote, uplink = gateway.orders, gateway.remote, gateway.uplink
    for state in (state for state in OrderState if state not in IN_FLIGHT):
        text, ended = "Orders that have ended, by how.", orders.ended.get(state.value, 0)
        yield _count("orders", text, ended, state=state.value)
    yield _count("orders_repeated", "Orders whose id was known.", orders.duplicates)
    yield _count("orders_busy", "Orders refused: too many on their way.", orders.refused_busy)
    if remote is not None and uplink is not None:
        yield _count("cloud_commands", "Commands that came from the cloud.", remote.received)
        text = "Of them, refused or too late."
        yield _count("cloud_commands_refused", text, remote.refused)
        text = "Answers to commands given up for newer ones."
        yield _count("cloud_answers_dropped", text, uplink.answers.dropped)


def of_modems(notifying: Notifying) -> Iterator[Metric]:
    """What the modems have sent and withheld, and how well each hears its network."""
    modems = {name: it for name, it in notifying.tended().items() if isinstance(it, Sms)}
    figures = [modem.figures for modem in modems.values()]
    text = "Modems that could send when they were last asked."
    yield _gauge("sms_ready", text, sum(it.standing is not None for it in figures))
    for name, text in (
        ("sent", "Messages a network has taken; a long text is several."),
        ("withheld", "Texts not sent because their telephone had had its share."),
        ("over_share", "Messages sent beyond that share, because people were in danger."),
    ):
        yield _count(f"sms_{name}", text, sum(getattr(it, name) for it in figures))
    text = "Lines from a modem that were none: a bad wire, or a wrong baud rate."
    yield _count("sms_noise", text, sum(modem.noise for modem in modems.values()))
    for name, it in zip(modems, figures, strict=True):
        signal = it.standing.signal_dbm if it.standing else None
        if signal is not None:
            text = "What a modem receives of its network, in dBm; better than -95 is enough."
            yield _gauge("sms_signal_dbm", text, signal, channel=name)


def of_loop(lag: LagProbe) -> Iterator[Metric]:
    """How often the loop was late, and what had held it up."""
    yield _count("loop_late", "Times the loop woke 100 ms late or more.", lag.late)
    for where, culprit in lag.culprits.items():
        text = "Of them, times it was held up by this function."
        yield _count("loop_held", text, culprit.times, where=where)
    for where, culprit in lag.culprits.items():
        text = "Seconds for which it was held up by this function."
        yield _count("loop_held_seconds", text, culprit.total_ms / 1000, where=where)


def of_history(history: History) -> Iterator[Metric]:
    """What the months hold, and what went wrong with them."""
    kept = history.counters
    yield _count("history_blocks", "Hours of a point written to the history.", kept.blocks)
    yield _count("history_failures", "Times the history could not be kept.", kept.failures)
    yield _count("history_damaged_files", "Months set aside as damaged.", kept.damaged)
    yield _count("history_removed_months", "Months removed: too old, or too many.", kept.removed)
    yield _count("history_unplaced", "Readings no hour could be found for.", kept.unplaced)
    yield _gauge("history_waiting_rows", "Rows only the log has yet.", kept.waiting_rows)
    yield _gauge("history_bytes", "Bytes of all months.", kept.bytes)
    yield _gauge("history_months", "Months kept.", kept.months)


def of_notifications(notifying: Notifying, log: Counters) -> Iterator[Metric]:
    """What all channels together have done, and whom none could tell; the API tells of each."""
    ledger, client = notifying.ledger, notifying.outbound.counters
    lanes = list(ledger.lanes.values())
    yield _count("not_told", "People whom no channel could tell of something.", ledger.lost)
    text = "Rows of messages dropped while the disk refused."
    yield _count("dropped_notices", text, log.dropped_notices)
    yield _count("notice_bugs", "Events nothing could be said about.", notifying.bugs)
    waiting = sum(len(lane.waiting) for lane in lanes)
    yield _gauge("notices_waiting", "Messages that wait for a channel.", waiting)
    down = sum(lane.breaker.opened_at is not None for lane in lanes)
    yield _gauge("channels_down", "Channels that are tried only now and then.", down)
    for name, text in (
        ("attempts", "Attempts to hand a message over."),
        ("handed_over", "Messages a channel has taken."),
        ("unreachable", "Attempts at which a channel did not answer."),
        ("failed", "Messages a channel refused for good."),
        ("given_up", "Messages that came too late."),
        ("passed_on", "Messages another channel took over."),
        ("dropped", "Messages there was no room for."),
    ):
        count = sum(getattr(lane.counters, name) for lane in lanes)
        yield _count(f"notices_{name}", text, count)
    for name, text in (
        ("requests", "Requests of the outbound HTTP client."),
        ("retries", "Of them, tried again at once."),
        ("failures", "Bodies it could not deliver."),
        ("blocked", "Addresses it refused to ask."),
        ("overflowed", "Bodies refused because too many waited."),
    ):
        yield _count(f"outbound_{name}", text, getattr(client, name))
    yield from of_modems(notifying)


def of_browsers(subscribing: Subscribing) -> Iterator[Metric]:
    """Those that want to be pushed to."""
    subscribed = len(subscribing.subscriptions.all())
    yield _gauge("push_browsers", "Browsers that are told of alarms.", subscribed)
    text = "Of them, taken out to make room for newer ones."
    yield _count("push_made_room", text, subscribing.made_room)


def _count(name: str, text: str, value: float, **labels: str) -> Metric:
    return Metric(
        name=f"kitchen_{name}_total", help=text, kind="counter", value=value, labels=labels
    )


def _gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    return Metric(name=f"kitchen_{name}", help=text, kind="gauge", value=value, labels=labels)
