import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { PAGE_ROWS, type Rows } from '../../data/reading/list.ts';
import { MoreRows } from '../../parts/more-rows.tsx';
import { Section } from '../../parts/page.tsx';

/** A section with the rows of one kind, which shows more of them on request. All rows are loaded, because the page shows their sum. */
export const EarnedSection = <Row,>({
  title,
  none,
  rows: { items, isMore },
  children,
}: {
  readonly title: string;
  /** Shown without rows. */
  readonly none: string;
  readonly rows: Rows<Row>;
  readonly children: (shown: readonly Row[]) => ComponentChildren;
}) => {
  const [rows, setRows] = useState(PAGE_ROWS);
  if (items.length === 0) {
    return (
      <Section title={title}>
        <p class="muted">{none}</p>
      </Section>
    );
  }
  return (
    <Section title={title} note={isMore ? `the first ${items.length}` : `${items.length}`}>
      {children(items.slice(0, rows))}
      <MoreRows isMore={items.length > rows} rows={rows} onMore={setRows} />
    </Section>
  );
};
