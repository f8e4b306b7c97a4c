import type { AnswerOf, Management } from '../../../client/management.ts';
import type { Scope } from '../session/scope.ts';

/** The figures of the overview. */
export type Figures = AnswerOf<'overview'>;
type Ranking = Figures['tools'];
export type FigureRow = Extract<Ranking, { readonly items: unknown }>['items'][number];

/** The rows of a ranking; none if there were too many to rank. */
export const rowsOf = (ranking: Ranking): readonly FigureRow[] =>
  'items' in ranking ? ranking.items : [];

/** Days of the rankings. */
export type Days = '1' | '7' | '30';

/** Reads all figures of the overview in one request, so that they are of one moment. */
export const readFigures = async (
  management: Management,
  { role, account }: Scope,
  days: Days,
  signal: AbortSignal,
): Promise<Figures> => {
  const query = { days };
  const { body } =
    role === 'operator'
      ? await management.call('overview', { query, signal })
      : await management.call('account.overview', { params: { account }, query, signal });
  return body;
};
