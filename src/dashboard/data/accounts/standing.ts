import type { AnswerOf } from '../../../client/management.ts';

/** The standing of an account: its policies, its grants, its money, and what remains of each limit. */
export type Standing = AnswerOf<'account.get'>;
