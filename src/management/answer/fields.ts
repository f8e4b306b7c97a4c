import * as z from 'zod/mini';
import {
  account as accountText,
  asset as assetText,
  day as dayText,
  hash as hashText,
} from '../fields.ts';

/** What stands in an answer was written by the gateway: types say what it is, and the tests hold it to that. */
export const account = accountText;
export const asset = assetText;
export const hash = hashText;
export const day = dayText;

/** Atomic units; credit may be below zero. */
export const amount = z.string().check(z.regex(/^(0|-?[1-9][0-9]{0,77})$/));
export const time = z.int().check(z.nonnegative());
export const count = z.int().check(z.nonnegative());
export const address = z.string().check(z.regex(/^0x[0-9a-f]{40}$/));

/** A page of a list; without `next` it is the last. */
export const pageOf = <T extends z.ZodMiniType>(item: T) =>
  z.strictObject({ items: z.array(item), next: z.exactOptional(z.string()) });
