import * as z from 'zod/mini';
import { countWork } from './work-by-step.ts';

type Method = (this: unknown, ...given: unknown[]) => unknown;

const countMethod = (owner: object, name: string, what: string): void => {
  const real = Reflect.get(owner, name) as Method;
  Reflect.set(owner, name, function (this: unknown, ...given: unknown[]): unknown {
    countWork(what);
    return real.apply(this, given);
  });
};

/** Counts parses by the schemas of one type. A schema binds its methods when they are first read. */
const countParses = (prototype: object, name: string): void => {
  const read = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (read === undefined) return;
  Object.defineProperty(prototype, name, {
    configurable: true,
    get(this: object) {
      const real = read.call(this) as Method;
      const value: Method = (...given) => {
        countWork('schema parse');
        return real(...given);
      };
      Object.defineProperty(this, name, { value });
      return value;
    },
  });
};

/** Frames of a stack: those of zod are in between. */
const FRAMES = 100;

/** Counts serialisations, schema parses and timers of this isolate, the Worker's and its objects', from now on. */
export const countGlobals = (): void => {
  Error.stackTraceLimit = FRAMES;
  for (const name of ['parse', 'stringify'] as const) countMethod(JSON, name, `JSON.${name}`);
  for (const name of ['setTimeout', 'setInterval']) countMethod(globalThis, name, 'timer');
  countMethod(AbortSignal, 'timeout', 'timer');
  for (const type of Object.values(z)) {
    if (typeof type !== 'function' || !type.name.startsWith('ZodMini')) continue;
    for (const name of ['parse', 'safeParse']) countParses(type.prototype as object, name);
  }
};
