import * as z from 'zod/mini';
import { err, ok, type Result } from '../core/result.ts';
import { formatDollars, MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { type FieldFault, faultsOf } from '../protocol/fault.ts';
import {
  type Meter,
  NOT_SOLD,
  type Rates,
  type UsageSource,
  unitsOf,
} from '../protocol/meter/meter.ts';
import { meterMembers, usageSource } from '../protocol/meter/meter-schema.ts';
import { parseRate } from '../protocol/meter/rate.ts';
import { chosenBy, readingText } from '../protocol/wire-fields.ts';
import type { Tool } from './tool.ts';
import { USAGE_PRESETS, type UsagePreset } from './usage-presets.ts';

const USAGE = `must be ${Object.keys(USAGE_PRESETS).join(', ')}, or an object that states where usage is read`;

const meter = z.strictObject(
  {
    ...meterMembers,
    usage: chosenBy<UsagePreset | UsageSource>((input) =>
      typeof input === 'string'
        ? z.enum(Object.keys(USAGE_PRESETS) as readonly UsagePreset[], USAGE)
        : usageSource,
    ),
    readOn: z.optional(meterMembers.readOn),
    idleSeconds: z.optional(meterMembers.idleSeconds),
  },
  'must be an object with usage and rates',
);

const meteredPrice = z.strictObject({
  /** Read before, by the catalogue's own parser. */
  max: z.unknown(),
  min: z.exactOptional(readingText(MONEY_HINT, parseMoney)),
  exact: z.exactOptional(z.boolean('must be true or false')),
  meter,
});

const READ_ON = { seconds: 25, bytes: 1_048_576 };
const IDLE_SECONDS = 30;

const meterOf = (
  { min, exact, meter: stated }: z.infer<typeof meteredPrice>,
  { settlement }: Tool,
): Meter => {
  const { usage, readOn = READ_ON, idleSeconds = IDLE_SECONDS, ...members } = stated;
  // A tool that is paid from credit takes no payment, of whatever scheme.
  const takesExact = exact ?? (settlement === 'credit' ? undefined : true);
  return {
    ...members,
    usage: typeof usage === 'string' ? USAGE_PRESETS[usage] : usage,
    readOn,
    idleSeconds,
    ...(min === undefined ? {} : { min: min.toString() }),
    ...(takesExact === undefined ? {} : { exact: takesExact }),
  };
};

/**
 * Reads the meter of a tool whose price has one. A tool without one stays as it is.
 *
 * @returns the tool as a catalogue serves it, or every fault with its field and what to do.
 */
export const readMeter = (tool: Tool): Result<Tool, readonly FieldFault[]> => {
  if (tool.meteredPrice === undefined) return ok(tool);
  const parsed = meteredPrice.safeParse(tool.meteredPrice);
  if (!parsed.success) {
    return err(
      faultsOf(parsed.error.issues.map((each) => ({ ...each, path: ['price', ...each.path] }))),
    );
  }
  const read = meterOf(parsed.data, tool);
  const faults = meterFaults(tool, read);
  return faults.length === 0 ? ok({ ...tool, meter: read }) : err(faults);
};

type Fault = (field: string, reason: string) => void;

/** Returns what is wrong with a meter beyond its form. */
const meterFaults = (tool: Tool, metered: Meter): readonly FieldFault[] => {
  const faults: FieldFault[] = [];
  const fault: Fault = (field, reason) => void faults.push({ field, reason });
  const { settlement, price, method } = tool;
  const { usage, min, missing, exact, includeUsage } = metered;
  const at = 'price.meter';
  if (settlement === 'card' || settlement === 'free') {
    fault(at, 'may be set only with settlement credit, deferred or upfront');
  }
  if (method === 'HEAD') fault(at, 'may not be set with method HEAD: its answer has no body');
  if (min !== undefined && (BigInt(min) === 0n || BigInt(min) > price)) {
    fault('price.min', `must be above "$0" and at most ${formatDollars(price)}, the max`);
  }
  if (exact !== undefined && settlement === 'credit') {
    fault('price.exact', 'may be set only with settlement deferred or upfront');
  }
  if (usage.from === 'gateway' && missing !== undefined) {
    fault(`${at}.missing`, 'must be absent: what the gateway counts is never missing');
  }
  if (usage.from !== 'gateway' && missing === undefined) {
    fault(`${at}.missing`, 'must be max or none: what a complete answer without usage costs');
  }
  if (usage === USAGE_PRESETS.openai && missing === 'none' && includeUsage === undefined) {
    fault(
      `${at}.missing`,
      'may be none only with includeUsage true: a caller whose stream asks for no usage would pay nothing',
    );
  }
  if (usage === USAGE_PRESETS.gemini && missing === 'none') {
    fault(
      `${at}.missing`,
      'must be max: a caller whose stream is no event stream (without alt=sse) would pay nothing',
    );
  }
  if (includeUsage && usage !== USAGE_PRESETS.openai) {
    fault(`${at}.includeUsage`, 'may be set only with usage openai');
  }
  sourceFaults(usage, fault);
  rateFaults(tool, metered, fault);
  return faults;
};

const sourceFaults = (usage: UsageSource, fault: Fault): void => {
  if (usage.from !== 'answer') return;
  if (usage.answer === undefined && usage.events.length === 0) {
    fault('price.meter.usage', 'must name the report in answer or in events');
  }
  for (const [unit, { within }] of Object.entries(usage.units)) {
    if (within === undefined) continue;
    const whole = Object.hasOwn(usage.units, within) ? usage.units[within] : undefined;
    if (whole === undefined || whole.within !== undefined || within === unit) {
      fault(
        `price.meter.usage.units.${unit}.within`,
        'must be another unit that is not a part itself',
      );
    }
  }
};

const rateFaults = (tool: Tool, { usage, rates, ratesBy }: Meter, fault: Fault): void => {
  const units = unitsOf(usage);
  const check = (list: Rates, field: string) => {
    for (const unit of Object.keys(list)) {
      if (units.includes(unit)) continue;
      fault(`${field}.${unit}`, `is not a unit of usage: use ${units.join(', ')}`);
    }
    if (Object.values(list).every((rate) => parseRate(rate)?.numerator === 0n)) {
      fault(field, 'must have a rate above "$0"');
    }
  };
  if (rates !== NOT_SOLD) check(rates, 'price.meter.rates');
  for (const [value, list] of Object.entries(ratesBy?.values ?? {})) {
    check(list, `price.meter.ratesBy.values.${value}`);
  }
  if (rates === NOT_SOLD && ratesBy === undefined) {
    fault('price.meter.rates', `may be "${NOT_SOLD}" only with ratesBy, which names what is sold`);
  }
  if (ratesBy !== undefined && !Object.hasOwn(tool.params, ratesBy.param)) {
    fault('price.meter.ratesBy.param', 'must be one of params, which states where the value is');
  }
};
