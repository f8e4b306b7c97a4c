/*
 * The forms of words for people, who read neither members nor routes: `page` is a step of a person at a page, `command` a command line.
 * Each is next to the text for programs, in a separate export, so that the Worker does not load it.
 */

/** The text of a denial for programs: what happened, and what the agent or its owner can do. */
export type Wording = {
  readonly subject: string;
  readonly hint: string;
  /** The figures of its limit are numbers of calls; those of every other rule are amounts of money. */
  readonly counts?: 'calls';
};

/** The words of a rule that denies calls. */
export type RuleWords = {
  /** In lists and sentences: `per call`. */
  readonly name: string;
  /** `wait`: "Wait 45 s"; undefined if waiting does not help. */
  readonly page: string | ((wait: string | undefined) => string);
  /** Undefined if no command helps: then the gateway's own hint is the next step. */
  readonly command: ((denied: DeniedCommand) => string) | undefined;
  /** The part of the account's page on which a person changes what denied the call; undefined if no page does. */
  readonly changedAt: 'grants' | 'budget' | 'status' | 'credit' | undefined;
  /** As in its `Wording`. */
  readonly counts?: 'calls';
};

/** The parts of a command line about a denied call. Amounts are dollars without the sign, which a shell would expand. */
export type DeniedCommand = {
  /** The account of the rule, in the form that commands accept. */
  readonly who: string;
  /** The smallest change that allows the call: one option of a policy, or, if a grant denies, another grant for this call alone. */
  readonly widen: (option: string) => string;
  /** A grant that pays for this call and nothing else. */
  readonly forCall: string;
  readonly tool: string;
  readonly price: string;
  /** The lowest limit that allows the call. */
  readonly needed: string;
  /** The amount that the balance or credit lacks, or that a debt leaves open. */
  readonly missing: string;
  /** The option that sets the limit of this window. */
  readonly perWindow: string;
  /** A grant denies, not the account itself. */
  readonly ofGrant: boolean;
  /** The call used a grant, so the account has an owner above it. */
  readonly isAgent: boolean;
  /** The account buys credit. */
  readonly isTopUp: boolean;
  /** The denial ends by itself. */
  readonly mayWait: boolean;
};

/** Words of a page that ask to wait, if waiting helps. */
export const orWait =
  (otherwise: string) =>
  (wait: string | undefined): string =>
    wait === undefined ? otherwise : `${wait}, then try again.`;

/** The words of a problem. */
export type ProblemWords = {
  /** `wait`: "Wait 45 s". */
  readonly page: string | ((problem: Members, wait: string) => string);
  /** Absent if the gateway's own hint is the next step, e.g. to wait. */
  readonly command?: string;
};

/** The members of a problem, which are external input for the page. */
type Members = { readonly hint?: string; readonly [member: string]: unknown };

/** The words of a group of reasons. The build fails if a reason has none. */
export type Words<R extends { readonly reason: string }> = {
  readonly [K in R['reason']]: ProblemWords;
};

export const CORRECT_IT: ProblemWords = { page: 'Correct what the message names, then try again.' };

export const RELOAD: ProblemWords = {
  page: 'Reload the page and try again. If it happens again, tell the operator.',
};

export const TRY_AGAIN: ProblemWords = { page: (_, wait) => `${wait}, then try again.` };

/** The hint of the problem, if it is written for people. */
export const ITS_HINT: ProblemWords = { page: ({ hint = '' }) => hint };
