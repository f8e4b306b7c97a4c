import './mark.css';

/** The mark of Countersign, as in `icon.svg`. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="7" />
    <path d="M9 17l5 5 9-12" />
  </svg>
);
