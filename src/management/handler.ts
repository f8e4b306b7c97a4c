import type * as z from 'zod/mini';
import type { Expected } from '../protocol/account/command.ts';
import type { CommandSigner, CommandIntent } from '../protocol/account/signer.ts';
import type { Seconds } from '../core/clock.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import type { Result } from '../core/result.ts';
import type { ANSWERS } from './answer/answers.ts';
import type { PARAMS } from './params.ts';
import type { ParamName, RouteId } from './paths.ts';
import type { RULES } from './routes.ts';
import type { Office } from './admin-context.ts';

export type ParamsOf<Id extends RouteId> = {
  readonly [Name in ParamName<Id>]: z.output<(typeof PARAMS)[Name]>;
};
export type QueryOf<Id extends RouteId> = (typeof RULES)[Id] extends {
  readonly query: infer S extends z.ZodMiniType;
}
  ? z.output<S>
  : undefined;
export type BodyOf<Id extends RouteId> = (typeof RULES)[Id] extends {
  readonly body: infer S extends z.ZodMiniType;
}
  ? z.output<S>
  : undefined;
/** What a route answers, as its schema says. */
export type AnswerOf<Id extends RouteId> = z.output<(typeof ANSWERS)[Id]['schema']>;

/** A request whose sender may make it, read in full. */
export type Asked<Id extends RouteId> = {
  readonly office: Office;
  readonly by: CommandSigner;
  /** The intent that carries it: evidence of an order, and good for one. */
  readonly order: CommandIntent;
  readonly params: ParamsOf<Id>;
  readonly query: QueryOf<Id>;
  readonly body: BodyOf<Id>;
  readonly expected: Expected | undefined;
  readonly dryRun: boolean;
  readonly request: Request;
  readonly now: Seconds;
};

export type Handler<Id extends RouteId> = (asked: Asked<Id>) => Promise<Result<Response, Reason>>;
