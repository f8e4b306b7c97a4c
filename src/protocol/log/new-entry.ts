import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { Json } from '../entry.ts';
import type { Declaration, Members } from './declaration.ts';
import type { EntryType, EntryTypes } from './entry-types.ts';
import type { PARTS } from './evidence.ts';

/** The content of an entry as a decision writes it: members as declared for its type. The chain adds the position, and `at` if it is absent. */
export type NewEntry = NewEntryOf<EntryType>;

export type NewEntryOf<Type extends EntryType> = Type extends EntryType
  ? Head<Type> & Declared<EntryTypes[Type]>
  : never;

/** The amounts, the outcome or the payment that entries of a type have. */
export type PartOf<
  Type extends EntryType,
  Name extends 'amounts' | 'outcome' | 'payment',
> = NonNullable<NewEntryOf<Type>[Name]>;

type Head<Type extends EntryType> = {
  readonly type: Type;
  readonly at?: Seconds;
  readonly call?: Hex;
  readonly tool?: string;
  readonly request?: Hex;
  readonly binding?: 'none' | 'intent';
  readonly rule?: string;
  readonly count?: number;
  readonly policy?: Hex;
};

/** The entry of a call: `append` adds the members that name the call. */
export type NewCallEntry = Omitting<NewEntry, 'at' | 'call' | 'tool' | 'request'>;

/** `Omit` for each member of a union. */
export type Omitting<Union, Names extends string> = Union extends unknown
  ? Omit<Union, Names>
  : never;

type Declared<Row extends Declaration> = Decided<Row> &
  Evidence<Row> &
  Part<'amounts', Row extends { readonly amounts: infer Names } ? AmountsOf<Names> : undefined> &
  Part<'outcome', Row extends { readonly outcome: infer Shape } ? ValuesOf<Shape> : undefined> &
  Part<'payment', Row extends { readonly payment: infer Shape } ? ValuesOf<Shape> : undefined>;

type Decided<Row> = Row extends { readonly decision: infer Words }
  ? { readonly decision?: Words extends readonly (infer Word)[] ? Word : string }
  : { readonly decision?: never };

type Evidence<Row extends Declaration> = Row['signed'] extends 'nothing'
  ? { readonly evidence?: never }
  : { readonly evidence?: { readonly [name: string]: Json } };

type Part<Name extends string, Values> = Values extends undefined
  ? { readonly [Key in Name]?: never }
  : { readonly [Key in Name]?: Values };

type Present<Names extends string> = Names extends `${string}?` ? never : Names;
type Possible<Names extends string> = Names extends `${infer Name}?` ? Name : never;

type AmountsOf<Names> = Names extends readonly (infer Name extends string)[]
  ? { readonly [Key in Present<Name>]: string } & { readonly [Key in Possible<Name>]?: string }
  : never;

type Forms = {
  readonly text: string;
  readonly number: number;
  readonly flag: boolean;
  readonly texts: readonly string[];
  readonly nullable: string | null;
  readonly json: Json;
} & {
  readonly [Name in keyof Parts]: Parts[Name] extends readonly [infer Each]
    ? readonly ValuesOf<Each>[]
    : ValuesOf<Parts[Name]>;
};

type Parts = typeof PARTS;

/** The values of declared members. */
export type ValuesOf<Shape> = Shape extends 'any'
  ? { readonly [name: string]: Json }
  : Shape extends Exclude<Members, 'any'>
    ? {
        readonly [
          Name in keyof Shape as Shape[Name] extends keyof Forms ? Name : never
        ]: Shape[Name] extends keyof Forms ? Forms[Shape[Name]] : never;
      } & {
        readonly [
          Name in keyof Shape as Shape[Name] extends keyof Forms ? never : Name
        ]?: Shape[Name] extends `${infer Form extends keyof Forms}?` ? Forms[Form] : never;
      }
    : never;
