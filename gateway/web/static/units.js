// Units as this person reads them: the gateway has one, the viewer may have another.
const OURS = {
  Cel: { unit: "[degF]", of: (value) => value * 1.8 + 32 },
  kg: { unit: "[lb_av]", of: (value) => value / 0.45359237 },
};
export const SYSTEMS = ["metric", "us"];

let system = SYSTEMS[0];

// One of SYSTEMS; anything else is the first.
export function useUnits(name) {
  system = SYSTEMS.includes(name) ? name : SYSTEMS[0];
}

export const units = () => system;

export function shown(value, ucum) {
  const other = system === "us" ? OURS[ucum] : undefined;
  return other && typeof value === "number" ? { value: other.of(value), unit: other.unit } : { value, unit: ucum };
}
