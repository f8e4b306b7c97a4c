import type { Problem } from '../data/problem.ts';
import { Notice } from './notice.tsx';

/** The problem of a failed read, and a button that reads again. */
export const Failed = ({
  problem: { detail, hint },
  refresh,
}: {
  readonly problem: Problem;
  readonly refresh: () => void;
}) => (
  <Notice tone="bad">
    <p>
      <strong>{detail}</strong> {hint}
    </p>
    <button type="button" onClick={refresh}>
      Try again
    </button>
  </Notice>
);
