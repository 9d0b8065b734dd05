// What somebody may do, and where: what the gateway would refuse is not offered.
export const ROLES = ["viewer", "staff", "manager", "admin"];

// Whether that role may do all that the other may; nobody's may nothing.
export const covers = (role, needed) => ROLES.indexOf(role) >= ROLES.indexOf(needed);

// Whether this device of that zone is theirs; without one, the whole kitchen.
export function reaches(session, device = "", zone = "") {
  const { zones, devices } = session?.reach ?? { zones: [], devices: [] };
  return zones.length + devices.length === 0 || devices.includes(device) || (zone !== "" && zones.includes(zone));
}

export const reachesAlarm = (session, { point }, points) => reaches(session, point?.split("/")[0], points.get(point)?.zone);

// Why an alarm is not theirs to acknowledge, or empty; who is not known yet may try, and so may a tablet.
export function denial(session, alarm, points) {
  if (session && session.kind !== "tablet" && !covers(session.role, "staff")) return "denied";
  return reachesAlarm(session, alarm, points) ? "" : "beyond";
}
