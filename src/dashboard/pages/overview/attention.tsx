import { Link } from 'wouter-preact';
import type { Matter } from '../../data/overview/matter.ts';
import { shown } from '../../format/text.ts';
import { Notice } from '../../parts/notice.tsx';

/** The matters that need a person. Hidden without any. */
export const Attention = ({ matters }: { readonly matters: readonly Matter[] }) =>
  matters.length === 0 ? null : (
    <section class="attention" aria-label="Needs attention">
      <Notice tone="warn">
        <ul>
          {matters.map(({ text, href }) => (
            <li key={`${href} ${text}`}>
              <Link href={href}>{shown(text)}</Link>
            </li>
          ))}
        </ul>
      </Notice>
    </section>
  );
