// The status document, kept up to date by the box's event stream.

const REOPEN_MS = 1000;

export class StatusFeed {
  constructor({ url, onChange }) {
    this.url = url;
    this.onChange = onChange;
    this.document = {};
    this.connected = false;
  }

  open() {
    this.source = new EventSource(this.url);
    let first = true;
    this.source.onopen = () => {
      first = true; // the stream begins with the whole document, also when the browser reconnects by itself
      this.connection(true);
    };
    this.source.addEventListener("status", (event) => {
      if (first) this.document = {};
      first = false;
      Object.assign(this.document, JSON.parse(event.data));
      this.connection(true);
    });
    this.source.onerror = () => {
      this.connection(false);
      if (this.source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => this.open(), REOPEN_MS);
    };
  }

  connection(up) {
    this.connected = up;
    this.onChange();
  }
}
