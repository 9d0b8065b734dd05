// Arithmetic over rows of a series; a gap is never a number.
const HOUR = 3600000;
const LEAST = 10; // pairs from which two series are compared

// Seven days from Monday of 24 hours each: the mean of all that was measured then, or null.
export function hoursOf(rows, local) {
  const sums = Array.from({ length: 7 }, () => Array.from({ length: 24 }, () => [0, 0]));
  for (const { at, value } of rows) {
    if (value === null) continue;
    const day = new Date(local(at));
    const cell = sums[(day.getUTCDay() + 6) % 7][day.getUTCHours()];
    cell[0] += value;
    cell[1] += 1;
  }
  return sums.map((day) => day.map(([sum, n]) => (n ? sum / n : null)));
}

// Pearson's r of two series at the same times; null for too little, or where nothing varies.
export function together(one, other) {
  const theirs = new Map(other.map(({ at, value }) => [at, value]));
  const pairs = one.map(({ at, value }) => [value, theirs.get(at) ?? null]).filter((pair) => !pair.includes(null));
  const n = pairs.length;
  if (n < LEAST) return { r: null, n };
  const mean = [0, 1].map((side) => pairs.reduce((sum, pair) => sum + pair[side], 0) / n);
  const sum = (of) => pairs.reduce((total, [x, y]) => total + of(x - mean[0], y - mean[1]), 0);
  const spread = Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
  return { r: spread > 0 ? sum((x, y) => x * y) / spread : null, n };
}

// How far a forecast for an hour ahead was off, beside "as now"; null for too little.
export function accuracy(forecast, truth, low, high, least) {
  const at = (rows) => new Map(rows.filter(({ value }) => value !== null).map((row) => [row.at, row.value]));
  const [was, floor, ceiling] = [at(truth), at(low), at(high)];
  const known = forecast.filter((row) => row.value !== null && was.has(row.at) && was.has(row.at + HOUR));
  if (known.length < least) return { n: known.length, off: null, naive: null, within: null };
  const mean = (of) => known.reduce((sum, row) => sum + of(row), 0) / known.length;
  const came = (row) => was.get(row.at + HOUR);
  return {
    n: known.length,
    off: mean((row) => Math.abs(row.value - came(row))),
    naive: mean((row) => Math.abs(was.get(row.at) - came(row))),
    within: mean((row) => Number(came(row) >= floor.get(row.at) && came(row) <= ceiling.get(row.at))),
  };
}
