import type { WatchState } from './state.ts';

/** The parts of the dashboard, in the order of the Tab key. */
export const PARTS = ['decisions', 'budgets', 'settlements', 'alerts'] as const;
export type PartName = (typeof PARTS)[number];

/** The choices of the person in front of the dashboard. */
export type View = {
  readonly part: PartName;
  /** Chosen row of the part, from 0. */
  readonly row: number;
  /** Only this account. */
  readonly only: string | undefined;
  readonly isPaused: boolean;
  readonly isHelp: boolean;
};

export const FIRST_VIEW: View = {
  ...{ part: 'decisions', row: 0, only: undefined, isPaused: false, isHelp: false },
} as const;

export type Key =
  | 'up'
  | 'down'
  | 'next'
  | 'previous'
  | 'enter'
  | 'escape'
  | 'pause'
  | 'help'
  | 'quit'
  | 'interrupt'
  /** Every other key: leaves the help. */
  | 'other';

const KEYS: Readonly<Record<string, Key>> = {
  '\u001B[A': 'up',
  '\u001BOA': 'up',
  k: 'up',
  '\u001B[B': 'down',
  '\u001BOB': 'down',
  j: 'down',
  '\t': 'next',
  '\u001B[C': 'next',
  '\u001BOC': 'next',
  '\u001B[Z': 'previous',
  '\u001B[D': 'previous',
  '\u001BOD': 'previous',
  '\r': 'enter',
  '\n': 'enter',
  '\u001B': 'escape',
  p: 'pause',
  ' ': 'pause',
  '?': 'help',
  h: 'help',
  q: 'quit',
  '\u0003': 'interrupt',
};

/** Reads the keys in what a terminal sent at once. */
export const keysIn = (text: string): readonly Key[] =>
  (text.match(/\u001B(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[\s\S]/g) ?? []).map(
    (part) => KEYS[part] ?? KEYS[part.toLowerCase()] ?? 'other',
  );

/** The view after a key. */
export const viewAfter = (view: View, key: Key, state: WatchState): View => {
  if (view.isHelp) return { ...view, isHelp: false };
  switch (key) {
    case 'up':
      return { ...view, row: Math.max(0, view.row - 1) };
    case 'down':
      return { ...view, row: Math.min(view.row + 1, Math.max(0, rowsOf(view, state) - 1)) };
    case 'next':
      return { ...view, part: partBeside(view.part, 1), row: 0 };
    case 'previous':
      return { ...view, part: partBeside(view.part, -1), row: 0 };
    case 'enter': {
      const account = accountAt(view, state);
      return account === undefined ? view : { ...view, only: account, row: 0 };
    }
    case 'escape':
      return { ...view, only: undefined, row: 0 };
    case 'pause':
      return { ...view, isPaused: !view.isPaused };
    case 'help':
      return { ...view, isHelp: true };
    case 'quit':
    case 'interrupt':
    case 'other':
      return view;
  }
};

const partBeside = (part: PartName, step: number): PartName =>
  PARTS[(PARTS.indexOf(part) + step + PARTS.length) % PARTS.length] ?? part;

type OfAccount = { readonly account: string };

/** The items of a part that the view shows; undefined while the part is not known. */
export const shownOf = <T extends OfAccount>(items: readonly T[], { only }: View): readonly T[] =>
  only === undefined ? items : items.filter(({ account }) => account === only);

const itemsOf = (view: View, { decisions, budgets, alerts }: WatchState): readonly OfAccount[] => {
  switch (view.part) {
    case 'decisions':
      return decisions.kind === 'known' ? shownOf(decisions.value, view) : [];
    case 'budgets':
      return budgets.kind === 'known' ? shownOf(budgets.value, view) : [];
    case 'alerts':
      return alerts.kind === 'known' ? shownOf(alerts.value.lines, view) : [];
    case 'settlements':
      return [];
  }
};

const rowsOf = (view: View, state: WatchState): number => itemsOf(view, state).length;

const accountAt = (view: View, state: WatchState): string | undefined =>
  itemsOf(view, state)[view.row]?.account;
