// A custom module for Open Stage Control's server (its option "custom-module"): tells HarmonicFlow's daemon every
// 20 seconds that this server listens, so that buttons are lit and faders follow. Replies come to the port that Open
// Stage Control sends from, which is its own.
const [host, port] = ['127.0.0.1', 9720]

module.exports = {
    init: () => {
        send(host, port, '/harmonicflow/subscribe')
        setInterval(() => send(host, port, '/harmonicflow/subscribe'), 20000)
    },
}
