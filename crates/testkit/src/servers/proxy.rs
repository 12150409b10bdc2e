//! Caddy and nginx, as gateways in front of the servers.

use super::{Folder, READY_LIMIT};
use crate::process::{End, Process};
use crate::tools::Tool;
use anyhow::Result;
use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

const END: End = End::Gently(Duration::from_secs(3));

/// A running Caddy.
#[derive(Debug)]
pub struct Caddy {
    process: Process,
    port: u16,
    _folder: Folder,
}

impl Caddy {
    /// Starts Caddy with a Caddyfile that listens on `port` (see [`crate::process::free_port`]). Its admin
    /// endpoint must be off in the text's global options, or two of them would fight for port 2019.
    ///
    /// # Errors
    /// When the program is missing, refuses the text, or does not listen; the message carries its log.
    pub fn start(caddyfile: &str, port: u16) -> Result<Self> {
        let folder = Folder::new(None)?;
        let config = folder.path().join("Caddyfile");
        fs::write(&config, caddyfile)?;
        let mut command = Command::new(Tool::Caddy.find()?);
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&config)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path());
        let mut process =
            Process::start("caddy", &mut command, &folder.path().join("caddy.log"), END, folder.temporary())?;
        process.wait_until(READY_LIMIT, || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { process, port, _folder: folder })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it has written to its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// A running nginx, unprivileged and in one process.
#[derive(Debug)]
pub struct Nginx {
    process: Process,
    port: u16,
    _folder: Folder,
}

impl Nginx {
    /// Starts nginx with the content of an `http { … }` block (the form of a file in `conf.d`) that listens
    /// on `port`.
    ///
    /// # Errors
    /// When the program is missing, refuses the text, or does not listen; the message carries its log.
    pub fn start(http_block: &str, port: u16) -> Result<Self> {
        let folder = Folder::new(None)?;
        let home = folder.path().display();
        // One process: killing a master would leave its workers behind.
        let config = format!(
            "daemon off;\nmaster_process off;\npid {home}/nginx.pid;\nerror_log stderr warn;\n\
             events {{ worker_connections 512; }}\nhttp {{\n  access_log off;\n  include /etc/nginx/mime.types;\n  \
             client_body_temp_path {home}/body;\n  proxy_temp_path {home}/proxy;\n  fastcgi_temp_path {home}/fastcgi;\n  \
             uwsgi_temp_path {home}/uwsgi;\n  scgi_temp_path {home}/scgi;\n{http_block}\n}}\n"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = Command::new(Tool::Nginx.find()?);
        command.arg("-p").arg(folder.path()).arg("-e").arg("stderr").arg("-c").arg(&file);
        let mut process =
            Process::start("nginx", &mut command, &folder.path().join("nginx.log"), END, folder.temporary())?;
        process.wait_until(READY_LIMIT, || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(Self { process, port, _folder: folder })
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it has written to its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }
}
