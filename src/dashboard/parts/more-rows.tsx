import { PAGE_ROWS } from '../data/reading/list.ts';

/** Under a list that has more rows: reads the next ones too. */
export const MoreRows = ({
  isMore,
  rows,
  onMore,
}: {
  readonly isMore: boolean;
  /** The number of rows requested now. */
  readonly rows: number;
  readonly onMore: (rows: number) => void;
}) =>
  isMore ? (
    <button type="button" onClick={() => onMore(rows + PAGE_ROWS)}>
      Show {PAGE_ROWS} more
    </button>
  ) : null;
