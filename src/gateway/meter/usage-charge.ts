import { err, ok, type Result } from '../../core/result.ts';
import {
  type BodyEnd,
  meteredCharge,
  type UsageFault,
  type UsageReading,
} from '../../protocol/meter/metered-charge.ts';
import { ratesHash } from '../../protocol/meter/rates-hash.ts';
import type { Charge, Metering, UsageReader } from '../paid-request.ts';
import { openAnswerMeter } from './open-answer-meter.ts';

/** Opens the reader of the usage of a success. */
export const openUsageReader = (
  headers: Headers,
  metering: Metering,
  maximum: bigint,
): UsageReader => ({
  ...metering,
  reader: openAnswerMeter({ headers, startedAt: Date.now(), ...metering, maximum }),
  maximum,
});

/** Charges a complete answer that is not an event stream. @returns also as much of its body as the maximum pays for. */
export const chargeWhole = (
  metered: UsageReader,
  bytes: Uint8Array<ArrayBuffer>,
): Result<
  { readonly body: Uint8Array<ArrayBuffer>; readonly charge: Required<Charge> },
  UsageFault
> => {
  const now = Date.now();
  const passed = metered.reader.write(bytes, now);
  const used = usageCharge(metered, metered.reader.end(now), 'complete', metered.maximum);
  return used.ok ? ok({ body: bytes.slice(0, passed), charge: used.value }) : used;
};

/** Computes the charge of a metered call. @returns a fault if its tool reported absurd usage, and so has failed. */
export const usageCharge = (
  { meter, rates }: Metering,
  reading: UsageReading,
  end: BodyEnd,
  maximum: bigint,
): Result<Required<Charge>, UsageFault> => {
  const charged = meteredCharge(meter, rates, reading, end, maximum);
  if (charged.kind === 'failed') return err(charged.fault);
  const { amount, basis, usage } = charged;
  return ok({ charge: amount, metered: { basis, usage, rates: ratesHash(rates) } });
};
