import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { count } from '../tally.ts';

type Curve = typeof curve;

/** The same object, but that calls of these methods are counted by these names. Its own may be frozen, so it stands behind another. */
const counted = <T extends object>(real: T, names: Readonly<Record<string, string>>): T =>
  new Proxy((() => undefined) as unknown as T, {
    get: (_, key) => {
      const value: unknown = Reflect.get(real, key);
      if (typeof value !== 'function') return value;
      const name = names[String(key)];
      return (...given: unknown[]): unknown => {
        if (name !== undefined) count(name);
        return Reflect.apply(value, real, given) as unknown;
      };
    },
  });

/** Of each verification by a table one multiplication is of the generator, so those are counted; a recovery is one by itself. */
const countedCurve = (real: Curve): Curve => {
  const { Point, Signature } = real;
  const Recovering = class extends Signature {
    override recoverPublicKey(digest: Uint8Array<ArrayBuffer>) {
      count('recovery');
      return super.recoverPublicKey(digest);
    }
  };
  const base = counted(Point.BASE, {
    multiply: 'multiplication',
    multiplyUnsafe: 'table',
    mulAddUnsafe: 'multiplication',
  });
  const points = {
    BASE: base,
    Fn: counted(Point.Fn, { inv: 'inversion' }),
    Fp: counted(Point.Fp, { inv: 'inversion', sqrt: 'root' }),
    fromBytes: Point.fromBytes.bind(Point),
  } as unknown as typeof Point;
  const whole = counted(real, {
    recoverPublicKey: 'recovery',
    verify: 'verification',
    sign: 'signature',
  });
  return new Proxy(whole, {
    get: (target, key) =>
      key === 'Signature' ? Recovering : key === 'Point' ? points : Reflect.get(target, key),
  });
};

/** Stands in for the curve that signatures are judged on: it does the same, and counts. */
export const secp256k1 = countedCurve(curve);
